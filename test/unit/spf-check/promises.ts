import assert from "node:assert/strict";
import type { CheckHostInput } from "spf-check";
import type { Driven } from "../../system/conformance/drive.ts";

/** What an mx asks at most: its own question and ten addresses; and so do all uses of PTR records together. */
const TERM_QUESTIONS_MAX = 11;

/** The most questions that one policy may ask within a limit of terms. */
function questionsMax(lookupLimit: number): number {
  return TERM_QUESTIONS_MAX * lookupLimit;
}

/** Holds an evaluation to what it promises whatever the zones hold. */
export function assertPromises(input: CheckHostInput, { outcome, questions }: Driven): void {
  const { lookupLimit, voidLookupLimit } = input.limits;
  const policies = [input.localPolicy.rules, input.localPolicy.guess].filter((rules) => rules !== undefined);
  // The record itself, the explanation, and PTR records for it, do not count.
  const own = 1 + questionsMax(lookupLimit) + 1 + TERM_QUESTIONS_MAX;
  assert.ok(questions.length <= own + policies.length * questionsMax(lookupLimit));
  assert.ok(outcome.lookups <= lookupLimit + 1 && outcome.voids <= voidLookupLimit + 1);
  const failed = outcome.result === "temperror" || outcome.result === "permerror";
  assert.equal(outcome.problem !== undefined, failed);
  assert.equal(outcome.mechanism === undefined, failed || outcome.result === "none");
  assert.equal(outcome.path.length === 0, outcome.mechanism === undefined);
  if (outcome.explanation !== undefined) {
    assert.equal(outcome.result, "fail");
    assert.match(outcome.explanation.text, /^[\x20-\x7e]{1,500}$/);
  }
  if (outcome.lookups > lookupLimit || outcome.voids > voidLookupLimit)
    assert.equal(outcome.result, "permerror");
  assert.match(outcome.problem ?? "-", /^[\x20-\x7e]{1,410}$/);
  assert.ok(questions.every(({ name }) => /^[\0-\x7f]{1,253}$/.test(name) && !name.endsWith(".")));
}
