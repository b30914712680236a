import { type Outcome, withDefaultExplanation } from "spf-check";
import { inputOf } from "./case-input.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { drive } from "./drive.ts";
import { judge } from "./judge.ts";
import { type TimeoutKind, Zone } from "./zone.ts";

/** What is wrong with the outcome of a case, with time-outs seen both ways; empty where nothing is. */
export function runCase(one: ConformanceCase): string[] {
  if (!usesTimeout(one)) return judge(one, evaluateCase(one, "SERVFAIL"));
  return (["SERVFAIL", "silence"] as const).flatMap((kind) =>
    judge(one, evaluateCase(one, kind)).map((text) => `${text} (time-out as ${kind})`),
  );
}

/** Whether a name server in the case may not answer. */
export function usesTimeout(one: ConformanceCase): boolean {
  return JSON.stringify(one.zonedata).includes('"TIMEOUT"');
}

/** The outcome of a case, its zone in memory. */
export function evaluateCase(one: ConformanceCase, timeout: TimeoutKind): Outcome {
  const zone = new Zone(one.zonedata, timeout);
  const input = inputOf(one);
  const { outcome } = drive(input, (question) => zone.answer(question));
  return withDefaultExplanation(input, outcome);
}
