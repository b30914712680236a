import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readEntries, readLines, shown } from "../../../src/config/lines.ts";

/** Text of a line after the key `Tag`, the value's text, its words. */
const VALUES: readonly [string, string, readonly string[]][] = [
  ["[SPF:fail]", "[SPF:fail]", ["[SPF:fail]"]],
  ["  two words\t ", "two words", ["two", "words"]],
  ["two   spaces", "two   spaces", ["two", "spaces"]],
  ["a\tb", "a b", ["a", "b"]],
  ["text # comment", "text", ["text"]],
  ["text# comment", "text", ["text"]],
  ['"with # sign" # comment', "with # sign", ["with # sign"]],
  ['"  kept  "', "  kept  ", ["  kept  "]],
  ['half"quo ted"', "halfquo ted", ["halfquo ted"]],
  ['from=@a.example Tag="[a b]"', "from=@a.example Tag=[a b]", ["from=@a.example", "Tag=[a b]"]],
  ['"say \\"no\\" and \\\\"', 'say "no" and \\', ['say "no" and \\']],
  ["back\\slash", "back\\slash", ["back\\slash"]],
  ['"a\\b"', "a\\b", ["a\\b"]],
  ['""', "", [""]],
  ['"" x', " x", ["", "x"]],
  ["münchen", "münchen", ["münchen"]],
];

describe("readLines", () => {
  for (const [source, text, words] of VALUES) {
    it(`reads ${JSON.stringify(source)}`, () => {
      const [line] = readLines(`Tag ${source}`);
      assert.equal(line?.name, "Tag");
      assert.equal(line.problem, undefined);
      assert.equal(line.value.text, text);
      assert.deepEqual(line.value.words, words);
    });
  }

  it("skips empty lines and comments and counts them", () => {
    const lines = readLines("\n# one\n \t# two\n\t\nTag x\n");
    assert.deepEqual(
      lines.map(({ number, name }) => [number, name]),
      [[5, "Tag"]],
    );
  });

  it("reads CRLF, a byte order mark, indented keys and a last line without an end", () => {
    const lines = readLines("\uFEFFTag x\r\n\tUser smfs\r\n\r\nTTL 1h");
    assert.deepEqual(
      lines.map(({ number, name, value }) => [number, name, value.text]),
      [
        [1, "Tag", "x"],
        [2, "User", "smfs"],
        [4, "TTL", "1h"],
      ],
    );
  });

  it("lets a quoted value follow its key without a space", () => {
    assert.equal(readLines('Tag"x y"')[0]?.value.text, "x y");
  });

  it("marks a text that a comment cuts in a word", () => {
    assert.equal(readLines("Tag a#b")[0]?.value.cut, true);
    assert.equal(readLines("Tag a #b")[0]?.value.cut, false);
    assert.equal(readLines('Tag "a#b"')[0]?.value.cut, false);
  });

  it("stops at the first NUL", () => {
    const lines = readLines("Tag a\nT\0ag b\nTag c\n");
    assert.deepEqual(
      lines.map(({ number, problem }) => [number, problem]),
      [
        [1, undefined],
        [2, "contains a NUL byte: not a text file, or UTF-16"],
      ],
    );
  });

  it("lets anything but NUL stand in a comment", () => {
    assert.deepEqual(readLines('# \u0007 \uFFFD " \r x\n'), []);
    assert.equal(readLines('Tag x # \u0007 \uFFFD "')[0]?.problem, undefined);
  });
});

describe("readEntries", () => {
  it("reads values without keys", () => {
    const entries = readEntries('# list\nfriend@ # a friend\n\n"two words" x\n"open\n');
    assert.deepEqual(
      entries.map(({ number, name, value, problem }) => [number, name, value.words, problem]),
      [
        [2, "", ["friend@"], undefined],
        [4, "", ["two words", "x"], undefined],
        [5, "", ["open"], "missing closing quotation mark"],
      ],
    );
  });
});

describe("shown", () => {
  it("makes the invisible visible and cuts what is long", () => {
    assert.equal(shown("a b"), '"a b"');
    assert.equal(shown("a\u00A0b\u200Bc\u001B"), '"aU+00A0bU+200BcU+001B"');
    assert.equal(shown("x".repeat(81)), `"${"x".repeat(77)}..."`);
    assert.equal(shown("x".repeat(80)), `"${"x".repeat(80)}"`);
  });
});
