import type { Outcome, SenderMacro, TemperrorCause } from "spf-check";
import type { OctetString } from "../address/index.ts";

const NO_MACROS: ReadonlySet<SenderMacro> = new Set();

/**
 * A temperror of our own: time ran out, too much is going on, or the evaluator failed. Never kept.
 *
 * @param problem in words an operator can act on, printable ASCII.
 */
export function temperror(domain: OctetString, problem: string, failure: TemperrorCause = "other"): Outcome {
  return {
    result: "temperror",
    domain,
    mechanism: undefined,
    path: [],
    explanation: undefined,
    problem,
    failure,
    record: undefined,
    recordSource: "published",
    lookups: 0,
    voids: 0,
    macrosRead: NO_MACROS,
    ttlSeconds: 0,
    local: undefined,
    guess: undefined,
    trace: undefined,
  };
}
