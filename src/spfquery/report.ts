import type { Outcome, TraceRecord, TraceTerm } from "spf-check";
import type { LoggedAnswer } from "./answer-log.ts";
import type { CheckedName, Query, QuerySettings } from "./query.ts";

/** One check that was made, with all that is told about it. */
export interface Report {
  readonly query: Query;
  readonly settings: QuerySettings;
  readonly checked: CheckedName;
  readonly outcome: Outcome;
  readonly elapsedMs: number;
  /** The questions of the check itself. */
  readonly asked: readonly LoggedAnswer[];
  /**
   * The same policy evaluated for a client that nothing names, without limits: all that it holds, also behind
   * the directive that decided. Undefined where it was not looked at.
   */
  readonly survey: Outcome | undefined;
}

/** Every record of a trace, outermost first, without the operator's rules. */
export function* recordsOf(trace: TraceRecord): Generator<TraceRecord> {
  yield trace;
  for (const term of trace.terms) if (term.nested !== undefined) yield* recordsOf(term.nested);
}

/** Every term of a trace in the order of evaluation, those inside an include before the include itself. */
export function* termsOf(
  trace: TraceRecord,
): Generator<{ readonly record: TraceRecord; readonly term: TraceTerm }> {
  for (const term of trace.terms) {
    if (term.nested !== undefined) yield* termsOf(term.nested);
    yield { record: trace, term };
  }
}
