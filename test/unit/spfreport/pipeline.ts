import { parseConfig, type Settings } from "../../../src/config/index.ts";
import { MessageJoiner } from "../../../src/spfreport/messages.ts";
import type { Ours } from "../../../src/spfreport/names.ts";
import { LogReader } from "../../../src/spfreport/read-log.ts";
import { isRefusedUnder, withoutNat } from "../../../src/spfreport/replay.ts";
import { makeReport, type Report } from "../../../src/spfreport/report.ts";
import {
  type Answer,
  findCandidates,
  type Question,
  questionsFor,
  suggest,
} from "../../../src/spfreport/suggest.ts";
import { Tally } from "../../../src/spfreport/tally.ts";

export const NOBODY: Ours = { networks: [], domains: [], exempt: [] };
export const NOW = new Date(2026, 10, 29, 12).getTime();

/** The settings of a text. */
export function settingsOf(text: string): Settings {
  const { settings, faults } = parseConfig(text, {
    file: "test",
    env: {},
    readList: () => ({ problem: "none" }),
  });
  if (settings === undefined) throw new Error(faults.map(({ reason }) => reason).join("; "));
  return settings;
}

export interface PipelineOptions {
  readonly ours?: Ours;
  readonly config?: string;
  readonly whatIf?: string;
  /** What DNS says; nothing is asked without. */
  readonly answer?: (question: Question) => readonly Answer[];
}

/** From lines to the report, without files and network. */
export function reportOf(lines: readonly string[], options: PipelineOptions = {}): Report {
  const { ours = NOBODY, config = "", whatIf, answer } = options;
  const settings = settingsOf(config);
  const now = withoutNat(settings);
  const then = whatIf === undefined ? undefined : withoutNat(settingsOf(`${config}\n${whatIf}`));
  const tally = new Tally(ours, {
    refusedByDefault: (message) => isRefusedUnder(now, message, false),
    refusedIf: then === undefined ? undefined : (message, was) => isRefusedUnder(then, message, was),
  });
  const joiner = new MessageJoiner((message) => {
    tally.message(message);
  }, settings.checkHelo);
  const period = { since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };
  const reader = new LogReader(tally, joiner, period, NOW);
  for (const line of lines) reader.line(line);
  joiner.end();
  const candidates = findCandidates(tally, settings);
  const answers =
    answer === undefined
      ? undefined
      : new Map(questionsFor(candidates).map((question) => [question.ip, answer(question)]));
  return makeReport(tally, {
    lines: reader.counts,
    ours,
    suggestions: suggest(candidates, answers, settings, ours),
    dnsAsked: "nothing to ask",
    whatIf: whatIf === undefined ? undefined : { settings: [whatIf], ...tally.whatIf },
    detail: 1000,
  });
}
