import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tagSubject } from "../../../src/trace-fields/index.ts";

const decode = (words: string): string =>
  words
    .replace(/\?= =\?/g, "?==?")
    .replace(/=\?UTF-8\?B\?([^?]*)\?=/g, (_, base64: string) =>
      Buffer.from(base64, "base64").toString("utf8"),
    );

describe("tagSubject", () => {
  const tag = "[SPF:fail]";
  const table: [string, string, string][] = [
    ["a plain Subject", "Hello", "[SPF:fail] Hello"],
    ["a Subject with the leading space kept", " Hello", " [SPF:fail] Hello"],
    ["a Subject led by a tab", "\tHello", "\t[SPF:fail] Hello"],
    ["no Subject", "", "[SPF:fail]"],
    ["a blank Subject", " ", " [SPF:fail]"],
    ["a folded Subject", "Hello\n World", "[SPF:fail] Hello\n World"],
    ["a Subject that begins with a fold", "\n Hello", "[SPF:fail]\n Hello"],
    ["a Subject with CRLF folds", "Hello\r\n\tWorld", "[SPF:fail] Hello\r\n\tWorld"],
    ["an encoded Subject", "=?UTF-8?B?44GC?=", "[SPF:fail] =?UTF-8?B?44GC?="],
    ["an 8-bit Subject", "caf\xe9", "[SPF:fail] caf\xe9"],
    ["a Subject that bears the tag", "[SPF:fail] Hello", "[SPF:fail] [SPF:fail] Hello"],
  ];
  for (const [what, value, expected] of table) {
    it(`puts tag and space in front when it is ${what}`, () => {
      assert.equal(tagSubject(value, tag), expected);
    });
  }

  it("writes a tag that is not ASCII as encoded words of at most 75 octets", () => {
    const long = "\u8fc7\u6ee4\u5668 ".repeat(12).trim();
    const tagged = tagSubject("Hello", long);
    assert.match(tagged, /^[\x20-\x7e]+$/);
    for (const word of tagged.split(" ")) assert.ok(word.length <= 75, word);
    assert.equal(decode(tagged), `${long} Hello`);
  });

  it("keeps the space between an encoded tag and an encoded Subject", () => {
    const tagged = tagSubject("=?UTF-8?B?44GC?=", "\u8fc7\u6ee4");
    assert.equal(decode(tagged), "\u8fc7\u6ee4 \u3042");
  });

  it("lets no control character of the tag out", () => {
    assert.equal(tagSubject("Hello", "[a]\r\nX-Injected: yes\0"), "[a] X-Injected: yes Hello");
  });

  it("folds after the tag when the first line would pass 998 octets", () => {
    const subject = "x".repeat(985);
    assert.equal(tagSubject(subject, tag), `${tag}\n ${subject}`);
  });

  it("leaves the Subject alone when the tag is blank", () => {
    assert.equal(tagSubject(" Hello", "  "), " Hello");
  });
});
