import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseMacroString } from "spf-check";
import { isAskable, targetName } from "../../../src/spf-check/macros.ts";
import { Session } from "../../../src/spf-check/session.ts";
import { inputFor } from "./support.ts";

function named(text: string, localPart: string): string {
  const parsed = parseMacroString(text, "explanation");
  assert.ok("macroString" in parsed);
  const session = new Session(inputFor({ sender: `${localPart}@example.test` }));
  return targetName(parsed.macroString, session.macroValues("example.test", "unknown"));
}

describe("targetName", () => {
  it("takes one final dot off", () => {
    assert.equal(named("%{d}.", ""), "example.test");
    assert.equal(named("%{l}.test", "a."), "a..test");
  });

  const label = "x".repeat(49);
  const fifty = `${label}.`.repeat(5); // 250 octets
  it("leaves a name of 253 octets as it is", () => {
    const name = `${fifty}com`;
    assert.equal(name.length, 253);
    assert.equal(named("%{l}", name), name);
  });

  it("takes left-hand labels off a longer one until 253 octets are left", () => {
    assert.equal(named("%{l}", `abc.${fifty}com`), `${fifty}com`);
    assert.equal(named("%{l}", `ab.cd.x${fifty}com`), `${`${label}.`.repeat(4)}com`);
    assert.equal(named("%{l}.", `abc.${fifty}com`), `${fifty}com`);
  });

  it("leaves one that has no dot in the last 254 octets, which nobody can ask for", () => {
    const name = named("%{l}", "x".repeat(300));
    assert.equal(isAskable(name), false);
  });

  it("does not grow with the record", () => {
    assert.ok(named(`${"%{l}.".repeat(10_000)}test`, "abc").length <= 253);
  });
});

describe("isAskable", () => {
  const table: readonly [name: string, askable: boolean][] = [
    ["example.test", true],
    ["localhost", true],
    ["a:b@c%d e.test", true],
    [`${"x".repeat(63)}.test`, true],
    [`${"x".repeat(64)}.test`, false],
    ["", false],
    ["a..test", false],
    ["example.test.", false],
    ["example.test..", false],
    [".test", false],
    ["caf\xc3\xa9.test", false],
  ];
  for (const [name, askable] of table) {
    it(`is ${String(askable)} for ${JSON.stringify(name.slice(0, 30))}`, () => {
      assert.equal(isAskable(name), askable);
    });
  }
});
