import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  isNoMailRecord,
  isSpfRecord,
  parseMechanisms,
  parseRecord,
  printMechanisms,
  printRecord,
  type SpfRecord,
} from "spf-check";

function parsed(text: string): SpfRecord {
  const result = parseRecord(text);
  assert.ok("record" in result, text);
  return result.record;
}

describe("isSpfRecord", () => {
  const table: readonly [text: string, is: boolean][] = [
    ["v=spf1", true],
    ["v=spf1 ", true],
    ["V=SpF1 -all", true],
    ["v=spf1  -all", true],
    ["v=spf10", false],
    ["v=spf1-all", false],
    ["v=spf1\t-all", false],
    ["v=spf1\n", false],
    [" v=spf1", false],
    ["v=spf", false],
    ["v=spf2.0/pra", false],
    ["", false],
  ];
  for (const [text, is] of table) {
    it(`is ${String(is)} for ${JSON.stringify(text)}`, () => {
      assert.equal(isSpfRecord(text), is);
    });
  }
});

describe("parseRecord", () => {
  it("keeps directives in order and takes modifiers from anywhere", () => {
    const record = parsed("v=spf1 exp=e.%{d}  mx REDIRECT=r.example.com moo=1 -all Foo.b-a_r=%{c}%% ");
    assert.deepEqual(
      record.directives.map(({ text }) => text),
      ["mx", "-all"],
    );
    assert.equal(record.redirect?.value.text, "r.example.com");
    assert.equal(record.redirect.text, "REDIRECT=r.example.com");
    assert.equal(record.explanation?.value.text, "e.%{d}");
    assert.deepEqual(
      record.unknownModifiers.map(({ name, value }) => [name, value.text]),
      [
        ["moo", "1"],
        ["foo.b-a_r", "%{c}%%"],
      ],
    );
  });

  it("takes a mechanism's name before = for an unknown modifier, as often as it is there", () => {
    const record = parsed("v=spf1 include=a.example.com a= include=b.example.com ALL=x");
    assert.deepEqual(
      record.unknownModifiers.map(({ name }) => name),
      ["include", "a", "include", "all"],
    );
    assert.deepEqual(record.directives, []);
  });

  const faults: readonly [text: string, term: string, reason: string][] = [
    ["v=spf2 -all", "v=spf2 -all", 'a record begins with "v=spf1"'],
    [
      "v=spf1 mx -all redirect=a.test redirect=a.test",
      "redirect=a.test",
      "redirect= is given more than once",
    ],
    ["v=spf1 exp=a.test EXP=b.test", "EXP=b.test", "exp= is given more than once"],
    ["v=spf1 -all exp=", "exp=", "a domain name is missing"],
    ["v=spf1 -all redirect=test", "redirect=test", '"test" is not a domain name with a dot in it'],
    [
      "v=spf1 -all redirect=%{c}.test",
      "redirect=%{c}.test",
      "the macro %{c} is allowed in an explanation only",
    ],
    ["v=spf1 -all moo=%", "moo=%", '"%" is not a macro; write a percent sign as %%'],
    ["v=spf1 -all 1up=foo", "1up=foo", 'unknown mechanism "1up=foo"'],
    ["v=spf1 =all", "=all", 'unknown mechanism "=all"'],
    ["v=spf1 -all\ta", "-all\ta", 'unknown mechanism "all?a"'],
    ["v=spf1 -all m\xfcx", "m\xfcx", 'unknown mechanism "m?x"'],
  ];
  for (const [text, term, reason] of faults) {
    it(`says of ${JSON.stringify(text)}: ${reason}`, () => {
      assert.deepEqual(parseRecord(text), { fault: { term, reason } });
    });
  }

  it("reads a record of 64 KB", () => {
    const terms = Array.from({ length: 4500 }, (_, i) => `ip4:10.0.${i >> 8}.${i & 255}`);
    assert.equal(parsed(`v=spf1 ${terms.join(" ")} -all`).directives.length, 4501);
  });
});

describe("printRecord", () => {
  it("puts modifiers behind directives and leaves every term as it was", () => {
    const text = "V=SPF1 exp=e.test  +MX/24 x=y Redirect=r.test";
    assert.equal(printRecord(parsed(text)), "v=spf1 +MX/24 Redirect=r.test exp=e.test x=y");
    assert.deepEqual(parsed(printRecord(parsed(text))), parsed(text));
  });
});

describe("parseMechanisms", () => {
  it("reads directives without a version", () => {
    const result = parseMechanisms("  a/24  mx/24 ptr ");
    assert.ok("record" in result);
    assert.equal(printMechanisms(result.record), "a/24 mx/24 ptr");
  });

  const faults: readonly [text: string, term: string, reason: string][] = [
    ["", "", "no mechanism is given"],
    ["  ", "  ", "no mechanism is given"],
    ["v=spf1 -all", "v=spf1", "only mechanisms are allowed here, no version and no modifiers"],
    ["a redirect=b.test", "redirect=b.test", "only mechanisms are allowed here, no version and no modifiers"],
    ["a mx:/", "mx:/", '"/" is not a domain name with a dot in it'],
  ];
  for (const [text, term, reason] of faults) {
    it(`says of ${JSON.stringify(text)}: ${reason}`, () => {
      assert.deepEqual(parseMechanisms(text), { fault: { term, reason } });
    });
  }
});

describe("isNoMailRecord", () => {
  const table: readonly [text: string, is: boolean][] = [
    ["v=spf1 -all", true],
    ["V=SPF1  -ALL  ", true],
    ["v=spf1 ~all", false],
    ["v=spf1 mx -all", false],
    ["v=spf1 -all exp=e.test", false],
    ["v=spf1-all", false],
    ["v=spf1 redirect=a.test", false],
  ];
  for (const [text, is] of table) {
    it(`is ${String(is)} for ${JSON.stringify(text)}`, () => {
      assert.equal(isNoMailRecord(text), is);
    });
  }
});
