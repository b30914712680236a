import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fold, foldText, wordsOf } from "../../../src/trace-fields/field-text.ts";

describe("foldText", () => {
  const text = fc
    .array(fc.constantFrom("a", "word", "w".repeat(40), "v".repeat(76), "u".repeat(77), " ", "  "), {
      maxLength: 30,
    })
    .map((pieces) => `a${pieces.join(" ")}`);

  it("folds a text as fold() folds its words", () => {
    fc.assert(
      fc.property(fc.constantFrom("X", "Received-SPF", "Authentication-Results"), text, (name, value) => {
        assert.equal(foldText(name, value), fold(name, wordsOf(value)));
      }),
      { numRuns: 2_000 },
    );
  });
});
