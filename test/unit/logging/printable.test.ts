import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { boundedLine, fieldValue, quotedValue } from "../../../src/logging/event-line.ts";
import { FUZZ } from "./samples.ts";

/** Whole escapes and other characters only. */
const WHOLE = /^(?:[^\\]|\\x[0-9a-f]{2}|\\[^x])*$/;

describe("fieldValue, quotedValue and boundedLine", () => {
  it("leave no half of an escape where they cut", () => {
    const piece = fc.constantFrom("\\", '"', "\n", "\xff", "x", "a", " ");
    const text = fc.tuple(fc.string({ unit: piece, minLength: 100, maxLength: 1500 }));
    fc.assert(
      fc.property(text, ([value]) => {
        assert.match(fieldValue(value), WHOLE);
        assert.match(quotedValue(value).slice(1, -1), WHOLE);
        assert.match(boundedLine(fieldValue(value).repeat(10)), WHOLE);
      }),
      FUZZ,
    );
    assert.match(fieldValue(`a${"\\".repeat(200)}`), WHOLE);
  });
});
