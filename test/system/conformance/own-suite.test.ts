import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCase } from "./evaluate-case.ts";
import { casesOf, type OwnCase, type OwnSuite } from "./own-suite.ts";
import { loadSuites } from "./suites.ts";

const CASE: OwnCase = { name: "a case", record: "v=spf1 -all", result: "fail" };

function only(one: OwnCase, common: Omit<OwnSuite, "cases"> = {}) {
  const [made] = casesOf("suite", { ...common, cases: [one] });
  assert.ok(made !== undefined);
  return made;
}

describe("casesOf()", () => {
  it("puts the record at the domain that is checked", () => {
    assert.deepEqual(only(CASE).zonedata, { "example.test": [{ TXT: "v=spf1 -all" }] });
    const named = only({ ...CASE, sender: "u@other.test", zone: { "other.test": ["A 192.0.2.1"] } });
    assert.deepEqual(named.zonedata, { "other.test": [{ TXT: "v=spf1 -all" }, { A: "192.0.2.1" }] });
    assert.deepEqual(Object.keys(only({ ...CASE, sender: "" }).zonedata), ["mail.example.test"]);
  });

  it("reads records of every kind and faults", () => {
    const zone = {
      "a.test": [
        "A 192.0.2.1",
        "AAAA 2001:db8::1",
        "MX 10 b.test",
        "PTR c.test",
        "CNAME d.test",
        "TXT a  b ",
      ],
      "b.test": ["SERVFAIL", "MX !REFUSED", { TXT: ["a", { text: "bc", times: 3 }, ""] }],
    };
    assert.deepEqual(only({ name: "a case", result: "none" }, { zone }).zonedata, {
      "a.test": [
        { A: "192.0.2.1" },
        { AAAA: "2001:db8::1" },
        { MX: [10, "b.test"] },
        { PTR: "c.test" },
        { CNAME: "d.test" },
        { TXT: "a  b " },
      ],
      "b.test": ["SERVFAIL", { MX: { rcode: "REFUSED" } }, { TXT: ["a", "bcbcbc", ""] }],
    });
  });

  it("lets a case say what its suite says otherwise", () => {
    const common = { section: "4.3", client: "192.0.2.7", helo: "h.test", receiver: "r.test" };
    const { section, host, helo, receiver } = only(CASE, common);
    assert.deepEqual([section, host, helo, receiver], ["RFC 7208 4.3", "192.0.2.7", "h.test", "r.test"]);
    assert.equal(only({ ...CASE, section: "RFC 8616 4" }, common).section, "RFC 8616 4");
    const zone = { "a.test": ["A 192.0.2.1"], "b.test": ["A 192.0.2.2"] };
    const { zonedata } = only({ name: "a case", result: "none", zone: { "b.test": [] } }, { zone });
    assert.deepEqual(zonedata, { "a.test": [{ A: "192.0.2.1" }], "b.test": [] });
  });

  for (const [what, cases] of [
    ["a word it does not know", [{ ...CASE, recrod: "v=spf1 -all" }]],
    ["two cases of one name", [CASE, CASE]],
    ["a record it does not know", [{ ...CASE, zone: { "a.test": ["LOC here"] } }]],
    ["an MX without preference", [{ ...CASE, zone: { "a.test": ["MX b.test"] } }]],
  ] as [string, OwnCase[]][]) {
    it(`refuses ${what}`, () => {
      assert.throws(() => casesOf("suite", { cases }));
    });
  }
});

describe("runCase()", () => {
  const faults: [string, OwnCase][] = [
    ["the result", { ...CASE, result: "pass" }],
    ["the explanation", { ...CASE, explanation: "because" }],
    ["the explanation", { ...CASE, explanation_re: "^because$" }],
    ["the mechanism", { ...CASE, mechanism: "~all" }],
    ["the mechanism", { ...CASE, mechanism: null }],
    ["the number of lookups", { ...CASE, lookups: 1 }],
    ["the number of void lookups", { ...CASE, voids: 1 }],
    ["the problem", { ...CASE, problem: "none at all" }],
    ["the local outcome", { ...CASE, local: "pass" }],
    ["the guess", { ...CASE, guess: "pass" }],
    ["Received-SPF", { ...CASE, receivedSpf: "Pass" }],
  ];
  for (const [what, one] of faults) {
    it(`says that ${what} is wrong where ${Object.keys(one).at(-1) ?? ""} is`, () => {
      const [wrong = "", ...others] = runCase(only(one));
      assert.ok(wrong.startsWith(what), wrong);
      assert.deepEqual(others, []);
    });
  }

  it("finds nothing wrong where nothing is", () => {
    assert.deepEqual(runCase(only({ ...CASE, mechanism: "-all", lookups: 0, local: null })), []);
  });
});

describe("the cases", () => {
  it("of each of our suites all name a section", () => {
    const own = loadSuites().filter(({ name }) => name.startsWith("own/"));
    assert.deepEqual(
      own.flatMap(({ cases }) => cases.filter(({ section }) => section === undefined)),
      [],
    );
  });
});
