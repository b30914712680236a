import type { Outcome } from "spf-check";
import { receivedSpf } from "../../../src/trace-fields/index.ts";
import { inputOf } from "./case-input.ts";
import type { ConformanceCase } from "./conformance-case.ts";

/** The part of an outcome that every way to run a case gives. */
export type JudgedOutcome = Pick<Outcome, "result" | "mechanism" | "lookups" | "voids"> & {
  readonly explanation: Pick<NonNullable<Outcome["explanation"]>, "text"> | undefined;
};

/** What is wrong with the outcome of a case, all that the case says about it; empty where nothing is. */
export function judge(one: ConformanceCase, outcome: Outcome): string[] {
  return [
    ...judgeCommon(one, outcome),
    ...difference("the local outcome", one.local, outcome.local?.result),
    ...difference("the guess", one.guess, outcome.guess?.result),
    ...(one.problem === undefined || (outcome.problem ?? "").includes(one.problem)
      ? []
      : [`the problem is "${outcome.problem ?? ""}", without "${one.problem}"`]),
    ...(one.receivedSpf === undefined
      ? []
      : difference("Received-SPF", one.receivedSpf, fieldOf(one, outcome))),
  ];
}

/** The same for what every way to run a case gives. */
export function judgeCommon(one: ConformanceCase, outcome: JudgedOutcome): string[] {
  return [
    ...(one.result.includes(outcome.result)
      ? []
      : [`the result is ${outcome.result}, not ${one.result.join(" or ")}`]),
    ...(outcome.result === "fail" ? judgeExplanation(one, outcome.explanation?.text ?? "") : []),
    ...difference("the mechanism", one.mechanism, outcome.mechanism),
    ...difference("the number of lookups", one.lookups, outcome.lookups),
    ...difference("the number of void lookups", one.voids, outcome.voids),
  ];
}

function judgeExplanation({ explanation, explanation_re: pattern }: ConformanceCase, text: string): string[] {
  const allowed = explanation === undefined ? undefined : [explanation].flat();
  if (allowed !== undefined && !allowed.includes(text)) {
    return [`the explanation is "${text}", not "${allowed.join('" or "')}"`];
  }
  if (pattern === undefined || new RegExp(pattern).test(text)) return [];
  return [`the explanation is "${text}", which does not match ${pattern}`];
}

/** A case that says nothing about a thing does not judge it; null is what it says of a thing that is not there. */
function difference(what: string, wanted: unknown, got: unknown): string[] {
  if (wanted === undefined || wanted === (got ?? null)) return [];
  return [`${what} is ${JSON.stringify(got ?? null)}, not ${JSON.stringify(wanted)}`];
}

/** The field as the filter writes it for the case, on one line. */
function fieldOf(one: ConformanceCase, outcome: Outcome): string {
  const { ip, helo, receiver, sender } = inputOf(one);
  const identity = one.mailfrom === "" ? "helo" : "mailfrom";
  const field = receivedSpf({ receiver, ip, helo, smtputf8: false }, { identity, sender, outcome });
  return field.replace(/\n /g, " ");
}
