import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CheckHostInput } from "spf-check";
import type { ZoneData } from "../../system/conformance/zone.ts";
import { addressOf, check, mechanisms, NO_POLICY, publishing } from "./support.ts";

function hinted(zone: ZoneData, given: Partial<CheckHostInput> = {}): string[] {
  return check(zone, { hints: true, ...given }).hints.map((questions) =>
    questions.map(({ type, name }) => `${type} ${name}`).join(", "),
  );
}

describe("hints", () => {
  const table: readonly [what: string, record: string, hints: string[]][] = [
    [
      "are the questions of a record in its order",
      "v=spf1 ip4:192.0.2.2 mx include:i.test a:a.test exists:%{i}.e.test ptr redirect=r.test",
      ["MX example.test, TXT i.test, A a.test, A 192.0.2.1.e.test, PTR 1.2.0.192.in-addr.arpa, TXT r.test"],
    ],
    [
      "end at a directive that certainly matches",
      "v=spf1 a:a.test a:b.test ip4:192.0.2.0/24 mx",
      ["A a.test, A b.test"],
    ],
    ["end at all", "v=spf1 a:a.test a:b.test -all mx redirect=r.test", ["A a.test, A b.test"]],
    ["are not there where one matches first", "v=spf1 +ip4:192.0.2.1 a:a.test a:b.test -all", []],
    ["are not there for a single question", "v=spf1 a:a.test -all", []],
    ["leave out names that need %{p}", "v=spf1 a:%{p}.test a:a.test mx:b.test -all", ["A a.test, MX b.test"]],
    [
      "leave out names that are not asked for",
      "v=spf1 a:a..test include:%{h1}.test mx:m.test include:x..test a:b.test -all",
      ["TXT test.test, MX m.test, A b.test"],
    ],
    [
      "keep to the lookup limit",
      `v=spf1 ${Array.from({ length: 12 }, (_, i) => `a:a${i}.test`).join(" ")} -all`,
      [Array.from({ length: 10 }, (_, i) => `A a${i}.test`).join(", ")],
    ],
  ];
  for (const [what, record, expected] of table) {
    it(what, () => {
      assert.deepEqual(hinted(publishing(record)).slice(0, expected.length || 1), expected);
    });
  }

  it("keep to what an include around them has left of the limit", () => {
    const zone = publishing("v=spf1 include:in.test -all", {
      "in.test": [{ TXT: "v=spf1 a:a.test a:b.test a:c.test a:d.test -all" }],
    });
    const limits = { lookupLimit: 3, voidLookupLimit: 9 };
    assert.deepEqual(hinted(zone, { limits }), ["A a.test, A b.test"]);
  });

  it("offer the addresses of ten exchangers at most", () => {
    const zone = publishing("", {
      "example.test": [
        { TXT: "v=spf1 mx -all" },
        ...Array.from({ length: 12 }, (_, i) => ({ MX: [i, `m${i}.test`] })),
      ],
    });
    const expected = Array.from({ length: 10 }, (_, i) => `AAAA m${i}.test`).join(", ");
    assert.deepEqual(hinted(zone, { ip: addressOf("2001:db8::1") }), [expected]);
  });

  it("offer the questions of local rules when they are reached", () => {
    const localPolicy = { ...NO_POLICY, rules: mechanisms("a:l.test mx:l.test") };
    assert.deepEqual(hinted(publishing("v=spf1 a:a.test -all"), { localPolicy }), ["A l.test, MX l.test"]);
  });

  it("offer no record that the operator overrides", () => {
    const localPolicy = { ...NO_POLICY, overrides: new Map([["i.test", "v=spf1"]]) };
    assert.deepEqual(hinted(publishing("v=spf1 include:I.test a:a.test a:b.test -all"), { localPolicy }), [
      "A a.test, A b.test",
    ]);
  });

  it("are not there where they are not asked for", () => {
    assert.deepEqual(hinted(publishing("v=spf1 a mx -all"), { hints: false }), []);
  });
});
