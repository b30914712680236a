import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ZoneData } from "../../system/conformance/zone.ts";
import { addressOf, check, publishing } from "./support.ts";

function counts(zone: ZoneData, limits = { lookupLimit: 10, voidLookupLimit: 2 }): string {
  const { outcome, questions } = check(zone, { limits });
  return `${outcome.result} ${outcome.lookups} lookups ${outcome.voids} voids ${questions.length} questions`;
}

const others: ZoneData = {
  "a.test": [{ A: "192.0.2.9" }],
  "mx.test": [
    { MX: [10, "a.test"] },
    { MX: [20, "none1.test"] },
    { MX: [30, "none2.test"] },
    { MX: [40, "none3.test"] },
  ],
  "nullmx.test": [{ MX: [0, "."] }],
  "in.test": [{ TXT: "v=spf1 a:a.test a:a.test" }],
  "1.2.0.192.in-addr.arpa": [{ PTR: "p.test" }, { PTR: "q.example.test" }],
  "p.test": [{ A: "192.0.2.1" }],
  "q.example.test": ["SERVFAIL"],
  "p.test.x.test": [{ A: "127.0.0.2" }],
};

describe("limits of RFC 7208 section 4.6.4", () => {
  const table: readonly [what: string, record: string, counts: string][] = [
    [
      "all, ip4, ip6 and exp= are free",
      "v=spf1 ip4:192.0.2.2 ip6:::1 ~all exp=e.test",
      "softfail 0 lookups 0 voids 1 questions",
    ],
    [
      "a term counts once however many questions it asks",
      "v=spf1 mx:mx.test -all",
      "fail 1 lookups 1 voids 6 questions",
    ],
    ["a term is void once", "v=spf1 mx:mx.test mx:mx.test -all", "fail 2 lookups 2 voids 11 questions"],
    [
      "one void term too many is a permerror",
      "v=spf1 mx:mx.test a:n.test exists:n.test -all",
      "permerror 3 lookups 3 voids 8 questions",
    ],
    [
      "a name that DNS cannot carry is asked for by nobody",
      `v=spf1 a:a..test mx:${"x".repeat(64)}.test exists:.test -all`,
      "fail 3 lookups 0 voids 1 questions",
    ],
    [
      "a null MX has no exchange to look up",
      "v=spf1 mx:nullmx.test -all",
      "fail 1 lookups 0 voids 2 questions",
    ],
    ["terms inside an include count", "v=spf1 include:in.test -all", "fail 3 lookups 0 voids 4 questions"],
    [
      "ptr asks only for names that could match",
      "v=spf1 ptr:p.test -all",
      "pass 1 lookups 0 voids 3 questions",
    ],
    [
      "a PTR name that faults does not count and does not match",
      "v=spf1 ptr -all",
      "fail 1 lookups 0 voids 3 questions",
    ],
    [
      "%{p} counts once more, and only once",
      "v=spf1 ?exists:%{p}.y.test exists:%{p}.x.test -all",
      "pass 3 lookups 1 voids 6 questions",
    ],
    [
      "%{p} is free behind a ptr",
      "v=spf1 ptr:z.test exists:%{p}.x.test -all",
      "pass 2 lookups 0 voids 5 questions",
    ],
    ["ten terms are allowed", `v=spf1${" a:a.test".repeat(10)} -all`, "fail 10 lookups 0 voids 11 questions"],
    ["eleven are not", `v=spf1${" a:a.test".repeat(11)} -all`, "permerror 11 lookups 0 voids 11 questions"],
    [
      "a redirect is a term",
      `v=spf1${" a:a.test".repeat(10)} redirect=in.test`,
      "permerror 11 lookups 0 voids 11 questions",
    ],
    [
      "terms behind a match do not count",
      `v=spf1 ip4:192.0.2.1${" a:a.test".repeat(11)} -all`,
      "pass 0 lookups 0 voids 1 questions",
    ],
  ];
  for (const [what, record, expected] of table) {
    it(what, () => {
      assert.equal(counts(publishing(record, others)), expected);
    });
  }

  describe("of void terms, for a client whose names are of no use", () => {
    const nameless: ZoneData = { "unknown.ok.test": [{ A: "192.0.2.9" }] };
    const gone: ZoneData = {
      ...nameless,
      "1.2.0.192.in-addr.arpa": [{ PTR: "gone.in.test" }, { PTR: "unknown.ok.test" }],
    };
    const rows: readonly [what: string, record: string, zone: ZoneData, counts: string][] = [
      [
        "each ptr is void, though asked for once",
        "v=spf1 ptr ptr:x.test -all",
        nameless,
        "fail 2 lookups 2 voids 2 questions",
      ],
      [
        "the third is a permerror, as the third a of one name is",
        "v=spf1 ptr ptr:x.test ptr:y.test ip4:192.0.2.1 -all",
        nameless,
        "permerror 3 lookups 3 voids 2 questions",
      ],
      [
        "three a of one name",
        "v=spf1 a:n.test a:n.test a:n.test ip4:192.0.2.1 -all",
        nameless,
        "permerror 3 lookups 3 voids 4 questions",
      ],
      [
        "a ptr behind %{p} is void by itself",
        "v=spf1 -exists:%{p}.y.test ptr -all",
        nameless,
        "fail 3 lookups 2 voids 3 questions",
      ],
      [
        "%{p} behind a ptr asks nothing and is not void",
        "v=spf1 ptr a:%{p}.ok.test -all",
        nameless,
        "fail 2 lookups 1 voids 3 questions",
      ],
      [
        "a name without an address is void for each ptr that it could match",
        "v=spf1 ptr:gone.in.test ptr:ok.test ptr:in.test ptr:gone.in.test -all",
        gone,
        "permerror 4 lookups 3 voids 4 questions",
      ],
    ];
    for (const [what, record, zone, expected] of rows) {
      it(what, () => {
        assert.equal(counts(publishing(record, zone)), expected);
      });
    }
  });

  it("are the operator's to set", () => {
    const zone = publishing("v=spf1 a:a.test a:n.test -all", others);
    assert.equal(
      counts(zone, { lookupLimit: 1, voidLookupLimit: 2 }),
      "permerror 2 lookups 0 voids 2 questions",
    );
    assert.equal(
      counts(zone, { lookupLimit: 2, voidLookupLimit: 0 }),
      "permerror 2 lookups 1 voids 3 questions",
    );
    assert.equal(
      counts(zone, { lookupLimit: 0, voidLookupLimit: 0 }),
      "permerror 1 lookups 0 voids 1 questions",
    );
  });

  it("stop a loop of includes that no limit stops", () => {
    const { outcome } = check(publishing("v=spf1 include:example.test -all"), {
      limits: { lookupLimit: 1e9, voidLookupLimit: 1e9 },
    });
    assert.match(outcome.problem ?? "", /more than 100 deep/);
  });

  describe("exchangers and PTR names", () => {
    const exchangers = (count: number): ZoneData => ({
      "example.test": [
        { TXT: "v=spf1 mx -all" },
        ...many(count, (i) => ({ MX: [count - i, `mx${count - i}.test`] })),
      ],
      ...Object.fromEntries(many(count, (i) => [`mx${i + 1}.test`, [{ A: `192.0.2.${101 + i}` }]] as const)),
    });
    const from = (zone: ZoneData, ip: string): string => check(zone, { ip: addressOf(ip) }).outcome.result;

    it("ten exchangers are looked up, in the order of preference", () => {
      assert.equal(from(exchangers(10), "192.0.2.9"), "fail");
      assert.equal(from(exchangers(10), "192.0.2.110"), "pass");
    });

    it("an eleventh is a permerror where none before it matches", () => {
      assert.equal(from(exchangers(11), "192.0.2.9"), "permerror");
      assert.equal(from(exchangers(11), "192.0.2.101"), "pass");
    });

    it("PTR names beyond ten are ignored", () => {
      const named = (count: number): ZoneData =>
        publishing("v=spf1 ptr:last.test -all", {
          "1.2.0.192.in-addr.arpa": [...many(count, (i) => ({ PTR: `n${i}.test` })), { PTR: "last.test" }],
          "last.test": [{ A: "192.0.2.1" }],
        });
      assert.equal(from(named(9), "192.0.2.1"), "pass");
      assert.equal(from(named(10), "192.0.2.1"), "fail");
    });
  });
});

function many<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}
