import type { AnswerSource, CheckHostInput, Outcome } from "spf-check";
import { withDeadline } from "../dns/index.ts";
import { AnswerLog } from "./answer-log.ts";
import {
  checkedName,
  checkHostInput,
  explained,
  type Query,
  type QuerySettings,
  type Report,
  surveyInput,
} from "./query.ts";

/** What a check needs of the outside. */
export interface ReportPorts {
  readonly source: AnswerSource;
  /** Runs check_host() on a source of answers. */
  readonly evaluate: (input: CheckHostInput, source: AnswerSource) => Promise<Outcome>;
  /** A monotonic clock. */
  readonly nowMs: () => number;
  readonly nowSeconds: number;
}

/**
 * Makes one check. With `tells` all that can be told about it is found out, else only its outcome. The time of the
 * settings is for all of it: the survey gets the time that the check leaves.
 */
export async function makeReport(
  query: Query,
  settings: QuerySettings,
  ports: ReportPorts,
  tells: boolean,
): Promise<Report> {
  const { evaluate, nowMs, nowSeconds } = ports;
  // Early questions would hide how long each of them takes.
  const input = checkHostInput(query, settings, nowSeconds, { trace: tells, hints: !tells });
  const beganMs = nowMs();
  const source = withDeadline(ports.source, beganMs + settings.timeoutMs, nowMs);
  const log = new AnswerLog(source, nowMs);
  const outcome = explained(input, await evaluate(input, tells ? log : source));
  const elapsedMs = nowMs() - beganMs;
  const { asked } = log;
  const wantsSurvey = tells && outcome.result !== "temperror" && outcome.result !== "none";
  const survey = wantsSurvey ? await evaluate(surveyInput(input), log) : undefined;
  return { query, settings, checked: checkedName(query), outcome, elapsedMs, asked, survey };
}
