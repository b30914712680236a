import {
  type Answer,
  type AnswerSource,
  type CheckHostInput,
  checkHost,
  type Outcome,
  type Pending,
  type Question,
} from "spf-check";
import { drive, questionKey, withDeadline } from "../dns/index.ts";
import { temperror } from "../verdicts/index.ts";
import {
  checkedName,
  checkHostInput,
  explained,
  type LoggedAnswer,
  type Query,
  type QuerySettings,
  type Report,
  surveyInput,
} from "./query.ts";

/** Runs check_host() to its end on a source of answers; what it throws becomes a temperror. */
export function evaluate(input: CheckHostInput, source: AnswerSource): Promise<Outcome> {
  return new Promise((resolve) => {
    const onThrow = (error: unknown): Outcome =>
      temperror(input.domain, `internal error: ${error instanceof Error ? error.message : String(error)}`);
    const outcome = drive(checkHost(input), { source, onThrow }, resolve);
    if (!("cancel" in outcome)) resolve(outcome);
  });
}

/** What a check needs of the outside. */
export interface ReportPorts {
  readonly source: AnswerSource;
  /** {@link evaluate}, or what a test has instead. */
  readonly evaluate: typeof evaluate;
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
  const { nowMs, nowSeconds } = ports;
  // Early questions would hide how long each of them takes.
  const input = checkHostInput(query, settings, nowSeconds, { trace: tells, hints: !tells });
  const beganMs = nowMs();
  const source = withDeadline(ports.source, beganMs + settings.timeoutMs, nowMs);
  const log = new AnswerLog(source, nowMs);
  const outcome = explained(input, await ports.evaluate(input, tells ? log : source));
  const elapsedMs = nowMs() - beganMs;
  const { asked } = log;
  const wantsSurvey = tells && outcome.result !== "temperror" && outcome.result !== "none";
  const survey = wantsSurvey ? await ports.evaluate(surveyInput(input), log) : undefined;
  return { query, settings, checked: checkedName(query), outcome, elapsedMs, asked, survey };
}

/**
 * Between an evaluation and where its answers come from: it notes how long each takes, and remembers
 * them, so that a second look at the same domain asks nothing again.
 */
class AnswerLog implements AnswerSource {
  readonly #source: AnswerSource;
  readonly #nowMs: () => number;
  readonly #answers = new Map<string, LoggedAnswer>();

  constructor(source: AnswerSource, nowMs: () => number) {
    this.#source = source;
    this.#nowMs = nowMs;
  }

  /** The questions that went out so far, in order. */
  get asked(): readonly LoggedAnswer[] {
    return [...this.#answers.values()];
  }

  ask(question: Question, done: (answer: Answer) => void): Answer | Pending {
    const known = this.#answers.get(questionKey(question));
    if (known !== undefined) return known.answer;
    const beganMs = this.#nowMs();
    const note = (answer: Answer): Answer => {
      this.#answers.set(questionKey(question), { question, answer, elapsedMs: this.#nowMs() - beganMs });
      return answer;
    };
    const asked = this.#source.ask(question, (answer) => {
      done(note(answer));
    });
    return "cancel" in asked ? asked : note(asked);
  }
}
