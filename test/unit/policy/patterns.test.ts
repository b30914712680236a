import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { octetsOfText, parsePath } from "../../../src/address/index.ts";
import { findPattern, formatPattern, matchesPattern } from "../../../src/policy/patterns.ts";
import { pattern } from "./facts.ts";

const read = (argument: string) => parsePath(argument, { relaxedLocalPart: true });

const TABLE: readonly [pattern: string, path: string, matches: boolean][] = [
  ["user@friend.test", "<user@friend.test>", true],
  ["user@friend.test", "<USER@Friend.Test>", true],
  ["user@friend.test", "<user@friend.test.>", true],
  ["user@friend.test", '<"user"@friend.test>', true],
  ["user@friend.test", "<@relay.test,@other.test:user@friend.test>", true],
  ['"user"@friend.test', "<user@friend.test>", true],
  ["user@friend.test", "<user@sub.friend.test>", false],
  ["user@friend.test", "<user@friend.test.evil.test>", false],
  ["user@friend.test", '<"user@friend.test"@evil.test>', false],
  ["user@friend.test", '<"<user@friend.test>"@evil.test>', false],
  ["user@friend.test", "<@friend.test:user@evil.test>", false],
  ["user@friend.test", "<user%friend.test@evil.test>", false],
  ["user@friend.test", "<>", false],
  ["user@friend.test", "<user@friend.test", false],
  ["@friend.test", "<any@friend.test>", true],
  ["@friend.test", "<any@FRIEND.test.>", true],
  ["@friend.test", "<any@sub.friend.test>", false],
  ["@friend.test", "<any@notfriend.test>", false],
  ["@friend.test", '<"x@friend.test"@evil.test>', false],
  ["@b\u00fccher.test", "<any@xn--bcher-kva.test>", true],
  ["@xn--bcher-kva.test", `<any@${octetsOfText("b\u00fccher.test")}>`, true],
  ["@p\u0430ypal.test", "<any@paypal.test>", false],
  ["@[192.0.2.1]", "<any@[192.0.2.1]>", true],
  ["user@", "<user@any.test>", true],
  ["user@", '<"us\\er"@any.test>', true],
  ["user@", "<superuser@any.test>", false],
  ['"user"@', "<user@any.test>", true],
  ['"john doe"@', '<"John Doe"@any.test>', true],
  ["john doe@", '<"john doe"@any.test>', true],
  ["postmaster@", "<Postmaster>", true],
  [".friend.test", "<any@sub.friend.test>", true],
  [".friend.test", "<any@a.b.friend.test>", true],
  [".friend.test", "<any@friend.test>", false],
  [".friend.test", "<any@notfriend.test>", false],
  ["friend", "<any@myfriend.test>", true],
  ["FRIEND", "<any@myfriend.test>", true],
  ["friend.test", "<friend.test@evil.test>", true],
  ["friend", "<any@foe.test>", false],
  ["friend", "<>", false],
  ["postmaster", "<postmaster>", true],
];

describe("matchesPattern", () => {
  for (const [text, path, matches] of TABLE) {
    it(`says ${matches} for ${text} and ${path}`, () => {
      assert.equal(matchesPattern(pattern(text), read(path)), matches);
      assert.equal(
        findPattern([pattern("other@else.test"), pattern(text)], read(path)) !== undefined,
        matches,
      );
    });
  }

  it("lets nothing match a pattern without text", () => {
    for (const kind of ["domain", "localPart", "subdomains", "substring", "address"] as const) {
      assert.equal(matchesPattern({ kind, text: "" }, read("<user@friend.test>")), false, kind);
      assert.equal(matchesPattern({ kind, text: "" }, read("<postmaster>")), false, kind);
    }
  });

  it("never takes a sender of another domain for one of the pattern's", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), (local) => {
        const quoted = `<"${local.replace(/["\\]/g, "\\$&")}"@evil.test>`;
        for (const text of ["@friend.test", "user@friend.test", ".friend.test"]) {
          assert.equal(matchesPattern(pattern(text), read(quoted)), false);
          assert.equal(matchesPattern(pattern(text), read(`<${local}@evil.test>`)), false);
        }
      }),
      { seed: 7208 },
    );
  });
});

describe("findPattern", () => {
  it("returns the pattern that matches, for the log", () => {
    const patterns = [pattern("@a.test"), pattern("b@"), pattern(".c.test")];
    assert.equal(findPattern(patterns, read("<x@a.test>")), patterns[0]);
    assert.equal(findPattern(patterns, read("<b@z.test>")), patterns[1]);
    assert.equal(findPattern(patterns, read("<x@d.c.test>")), patterns[2]);
    assert.equal(findPattern(patterns, read("<x@z.test>")), undefined);
  });
});

describe("formatPattern", () => {
  for (const text of ["user@friend.test", "@friend.test", "user@", ".friend.test", "friend"]) {
    it(`writes ${text} as it was read`, () => {
      assert.equal(formatPattern(pattern(text)), text);
    });
  }
});
