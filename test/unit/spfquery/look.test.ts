import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { lookFor } from "../../../src/spfquery/index.ts";
import { wrap } from "../../../src/spfquery/layout.ts";

const TERMINAL = { isTTY: true, columns: 90 };
const PIPE = { isTTY: false, columns: undefined };

describe("lookFor()", () => {
  const colours: readonly (readonly [
    string,
    typeof TERMINAL | typeof PIPE,
    Record<string, string>,
    "always" | "never" | "auto",
    boolean,
  ])[] = [
    ["on a terminal", TERMINAL, {}, "auto", true],
    ["in a pipe", PIPE, {}, "auto", false],
    ["with NO_COLOR", TERMINAL, { NO_COLOR: "1" }, "auto", false],
    ["with an empty NO_COLOR", TERMINAL, { NO_COLOR: "" }, "auto", true],
    ["with FORCE_COLOR in a pipe", PIPE, { FORCE_COLOR: "1" }, "auto", true],
    ["with an empty FORCE_COLOR in a pipe", PIPE, { FORCE_COLOR: "" }, "auto", true],
    ["with FORCE_COLOR=0", TERMINAL, { FORCE_COLOR: "0" }, "auto", false],
    ["with FORCE_COLOR and NO_COLOR", PIPE, { FORCE_COLOR: "1", NO_COLOR: "1" }, "auto", true],
    ["on a dumb terminal", TERMINAL, { TERM: "dumb" }, "auto", false],
    ["with --colour always in a pipe", PIPE, { NO_COLOR: "1" }, "always", true],
    ["with --colour never", TERMINAL, { FORCE_COLOR: "1" }, "never", false],
  ];
  for (const [when, output, environment, wanted, colour] of colours) {
    it(`has ${colour ? "colours" : "no colours"} ${when}`, () => {
      assert.equal(lookFor(output, environment, wanted).colour, colour);
    });
  }

  it("draws with more than ASCII where the locale is UTF-8", () => {
    assert.equal(lookFor(PIPE, { LANG: "de_DE.UTF-8" }, "auto").unicode, true);
    assert.equal(lookFor(PIPE, { LANG: "de_DE.UTF-8", LC_ALL: "C" }, "auto").unicode, false);
    assert.equal(lookFor(PIPE, {}, "auto").unicode, false);
  });

  it("keeps to the width of the terminal within reason", () => {
    assert.equal(lookFor({ isTTY: true, columns: 90 }, {}, "auto").width, 90);
    assert.equal(lookFor({ isTTY: true, columns: 300 }, {}, "auto").width, 110);
    assert.equal(lookFor({ isTTY: true, columns: 10 }, {}, "auto").width, 40);
    assert.equal(lookFor(PIPE, {}, "auto").width, 100);
  });
});

describe("wrap()", () => {
  it("breaks at spaces and cuts what has none", () => {
    assert.deepEqual(wrap("one two three four", 10), ["one two", "three four"]);
    assert.deepEqual(wrap("abcdefghijklmnopqrstuvwxyz z", 10), ["abcdefghij", "klmnopqrst", "uvwxyz z"]);
    assert.deepEqual(wrap("one two three", 20, 10), ["one two", "three"]);
    assert.deepEqual(wrap("", 10), [""]);
  });

  it("loses nothing and keeps to the width", () => {
    const word = fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom("a", "b", ":") });
    fc.assert(
      fc.property(fc.array(word), fc.integer({ min: 10, max: 60 }), (words, width) => {
        const lines = wrap(words.join(" "), width);
        assert.ok(lines.every((line) => line.length <= width));
        assert.equal(lines.join("").replaceAll(" ", ""), words.join(""));
      }),
      { seed: 7208, numRuns: 500 },
    );
  });
});
