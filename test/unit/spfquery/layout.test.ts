import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Branch, drawTree, styleFor, wrap } from "../../../src/spfquery/layout.ts";

const TERMINAL = { isTTY: true, columns: 90 };
const PIPE = { isTTY: false, columns: undefined };

describe("styleFor()", () => {
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
      assert.equal(styleFor(output, environment, wanted).colour, colour);
    });
  }

  it("draws with more than ASCII where the locale is UTF-8", () => {
    assert.equal(styleFor(PIPE, { LANG: "de_DE.UTF-8" }, "auto").unicode, true);
    assert.equal(styleFor(PIPE, { LANG: "de_DE.UTF-8", LC_ALL: "C" }, "auto").unicode, false);
    assert.equal(styleFor(PIPE, {}, "auto").unicode, false);
  });

  it("keeps to the width of the terminal within reason", () => {
    assert.equal(styleFor({ isTTY: true, columns: 90 }, {}, "auto").width, 90);
    assert.equal(styleFor({ isTTY: true, columns: 300 }, {}, "auto").width, 110);
    assert.equal(styleFor({ isTTY: true, columns: 10 }, {}, "auto").width, 40);
    assert.equal(styleFor(PIPE, {}, "auto").width, 80);
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

describe("drawTree()", () => {
  const leaf = (text: string, note: string, branches: Branch[] = []): Branch => ({
    text,
    tone: "plain",
    note,
    noteTone: "dim",
    details: [],
    branches,
  });

  it("gives a note a line of its own rather than break a name", () => {
    const tree = leaf("example.org", "", [
      leaf("include:netblocks1.mailer.example", "no match (softfail inside) · lookup 3/10"),
    ]);
    assert.deepEqual(drawTree(tree, { width: 60, colour: false, unicode: false }), [
      "example.org",
      "`- include:netblocks1.mailer.example",
      `${" ".repeat(21)}no match (softfail inside), lookup 3/10`,
    ]);
  });

  it("keeps to the width and breaks no name that fits, with and without UTF-8", () => {
    const name = fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom("a", "b", ".") });
    const text = fc.array(fc.oneof(name, fc.constant("→")), { minLength: 1, maxLength: 6 });
    const note = fc.constantFrom(
      "",
      "1.5 ms",
      "no match · lookup 3/10",
      "no match (softfail inside) · lookup 10/10",
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, note), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        (items, unicode) => {
          // Each one inside the one before it.
          const tree = items.reduceRight<Branch | undefined>(
            (inner, [words, end]) => leaf(words.join(" "), end, inner === undefined ? [] : [inner]),
            undefined,
          );
          const lines = drawTree(tree!, { width: 80, colour: false, unicode });
          assert.ok(
            lines.every((line) => line.length <= 80),
            lines.join("\n"),
          );
          for (const [words] of items) {
            for (const word of words) {
              const shown = unicode ? word : word.replaceAll("→", "->");
              assert.ok(
                lines.some((line) => line.split(/[ ]+/).includes(shown)),
                `${shown} in\n${lines.join("\n")}`,
              );
            }
          }
        },
      ),
      { seed: 7208, numRuns: 500 },
    );
  });
});
