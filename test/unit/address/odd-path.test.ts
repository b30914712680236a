import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseOddPath } from "../../../src/address/index.ts";

const domainOf = (argument: string): string => {
  const path = parseOddPath(argument);
  return path.kind === "mailbox" ? path.domain : path.kind;
};

describe("parseOddPath()", () => {
  // As Sendmail 8.18 takes them: its ruleset canonify, and prescan() for comments and white space.
  const READ: readonly [argument: string, domain: string][] = [
    ["<a@victim.test(x@other.test)>", "victim.test"],
    ["<a@victim.test (x@other.test)>", "victim.test"],
    ['<a@victim.test(x\\)"(y)@other.test)>', "victim.test"],
    ["(x@other.test)a@victim.test", "victim.test"],
    ["<a(@other.test)@victim.test>", "victim.test"],
    ["x@other.test<a@victim.test>x@other.test", "victim.test"],
    ["<a@victim.test>x@other.test", "victim.test"],
    ["<<a@victim.test>>", "victim.test"],
    ["<x@other.test<a@victim.test>y@other.test>", "victim.test"],
    ["<a@victim.test><b@other.test>", "other.test"],
    ["<b@other.test>x<a@victim.test>", "victim.test"],
    ["<a@victim.test;>", "victim.test"],
    ["g:a@victim.test;", "victim.test"],
    ["<a@victim.test.;>", "victim.test"],
    ["<a@victim .test>", "victim.test"],
    ["<a@victim. test>", "victim.test"],
    ["<a@victim test>", "victim.test"],
    ["<a @ victim.test\t>", "victim.test"],
    ["<u v@Victim.Test>", "victim.test"],
    ["<a@victim.test..>", "victim.test"],
    ["<a@[victim.test]>", "victim.test"],
    ["<a@[192.0.2.1] >", "[192.0.2.1]"],
    ["<a@victim.test@other.test>", "other.test"],
    ['<"x@other.test" b@victim.test>', "victim.test"],
    ["<@other.test: a@victim.test>", "victim.test"],
    ["<a\\@other.test@victim.test>", "victim.test"],
    ["<a@-victim.test>", "-victim.test"],
    ["<a@victim..test>", "victim..test"],
  ];
  for (const [argument, domain] of READ) {
    it(`reads ${argument}`, () => {
      assert.equal(domainOf(argument), domain);
    });
  }

  const UNREADABLE = [
    "<a@victim.test",
    "a@victim.test>",
    "<a@victim.test(x@other.test>",
    '<"a@victim.test>',
    "<a@victim.test\\@other.test>",
    "<a@victim.test,b>",
    "<a@vic)tim.test>",
    "<a@victim.test\x01@other.test>",
    "<>a@victim.test",
    "x@victim.test<>",
    "<> <>",
    "(a@victim.test)",
    "<a@>",
    "<a@..>",
    "<victim.test!a>",
    "<a%victim.test>",
    "",
  ];
  for (const argument of UNREADABLE) {
    it(`reads no domain in ${JSON.stringify(argument)}`, () => {
      assert.equal(domainOf(argument), "malformed");
    });
  }

  it("gives domains without special characters, of whatever length the argument is", () => {
    const odd = fc.string({ unit: fc.constantFrom(...'<>()"\\@;:, .a[]1\t\xff'.split("")), maxLength: 30 });
    fc.assert(
      fc.property(odd, (text) => {
        const domain = domainOf(text);
        assert.ok(domain === "malformed" || !/[()<>,;\\"@ ]/.test(domain), domain);
      }),
      { seed: 7208, numRuns: 3000 },
    );
    for (const unit of ["(", '"', "<", "@", "a@", ' "a" ', '("', "\\", "; ", ";", ".", "()", "<a>"]) {
      assert.notEqual(domainOf(`<${unit.repeat(200_000)}`), "");
      assert.notEqual(domainOf(`<a@b${unit.repeat(200_000)}x>`), "");
    }
  });
});
