import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { warningsOf } from "../../../src/spfquery/warnings.ts";
import type { Zone } from "../../support/nameserver/index.ts";
import { checkZone } from "./check-zone.ts";

const record = (text: string): Zone[string] => [{ TXT: text }];
const hosts = (count: number): Zone =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}.test.example`, [{ A: `10.0.0.${i}` }]]));
const terms = (count: number): string =>
  Array.from({ length: count }, (_, i) => `a:h${i}.test.example`).join(" ");

/** A zone around test.example, checked for 192.0.2.9; the codes of the warnings, and words of the texts. */
const CASES: readonly (readonly [what: string, zone: Zone, codes: string[], words?: RegExp])[] = [
  ["nothing about a sound record", { "test.example": record("v=spf1 ip4:192.0.2.0/24 -all") }, []],
  [
    "two records",
    { "test.example": [{ TXT: "v=spf1 -all" }, { TXT: "V=SPF1 mx" }] },
    ["two-records"],
    /2 SPF records/,
  ],
  [
    "a record that is none",
    { "test.example": [{ TXT: "v=spf1; -all" }, { TXT: "v=spf10" }] },
    ["not-a-record", "not-a-record"],
  ],
  ["a record in quotes", { "test.example": record('"v=spf1 -all"') }, ["not-a-record"]],
  ["no other TXT records", { "test.example": [{ TXT: "v=DKIM1; k=rsa" }, { TXT: "spfoo" }] }, []],
  [
    "over 450 octets",
    { "test.example": record(`v=spf1 ip4:192.0.2.9 ${"ip4:10.0.0.1 ".repeat(34)}-all`) },
    ["long-record"],
    /467 octets/,
  ],
  [
    "an answer over 512 octets",
    {
      "test.example": [
        { TXT: "v=spf1 ip4:192.0.2.9 -all" },
        { TXT: "x".repeat(250) },
        { TXT: "y".repeat(250) },
      ],
    },
    ["large-answer"],
    /EDNS0 or TCP/,
  ],
  ["+all", { "test.example": record("v=spf1 +all") }, ["permits-all"]],
  ["all without a qualifier", { "test.example": record("v=spf1 all") }, ["permits-all"]],
  [
    "half of the Internet",
    { "test.example": record("v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all") },
    ["wide-network", "wide-network"],
    /2,147,483,648/,
  ],
  ["ptr", { "test.example": record("v=spf1 ip4:192.0.2.9 ptr -all") }, ["ptr"]],
  [
    "terms behind all",
    { "test.example": record("v=spf1 -all mx ip4:192.0.2.9") },
    ["after-all"],
    /mx ip4:192\.0\.2\.9/,
  ],
  [
    "redirect= beside all",
    { "test.example": record("v=spf1 redirect=x.example -all") },
    ["redirect-with-all"],
  ],
  ["a record without end", { "test.example": record("v=spf1 ip4:192.0.2.9") }, ["no-end"]],
  [
    "no missing end inside an include",
    {
      "test.example": record("v=spf1 include:in.example -all"),
      "in.example": record("v=spf1 ip4:192.0.2.9"),
    },
    [],
  ],
  [
    "a modifier that was meant as a mechanism",
    { "test.example": record("v=spf1 ip4=192.0.2.9 -all") },
    ["unknown-modifier"],
    /did you mean ip4:/,
  ],
  [
    "a misspelt redirect",
    { "test.example": record("v=spf1 redirct=x.example -all") },
    ["unknown-modifier"],
    /did you mean redirect=/,
  ],
  [
    "an unknown modifier",
    { "test.example": record("v=spf1 op=auth -all") },
    ["unknown-modifier"],
    /unknown modifier and ignored$/,
  ],
  [
    "a misspelt mechanism",
    { "test.example": record("v=spf1 -ipv4:192.0.2.9 -all") },
    ["misspelt"],
    /did you mean ip4:/,
  ],
  [
    "a mechanism one letter off",
    { "test.example": record("v=spf1 inclde:x.example -all") },
    ["misspelt"],
    /did you mean include:/,
  ],
  [
    "a mechanism without its value",
    { "test.example": record("v=spf1 include -all") },
    ["misspelt"],
    /did you mean include:/,
  ],
  [
    "nothing about the name where the address is wrong",
    { "test.example": record("v=spf1 ip4:192.0.2.300 -all") },
    [],
  ],
  ["nothing about the name where the length is wrong", { "test.example": record("v=spf1 mx/33 -all") }, []],
  [
    "an include of nothing",
    { "test.example": record("v=spf1 include:gone.example -all") },
    ["include-unreachable"],
    /no such name/,
  ],
  [
    "an include without a record",
    { "test.example": record("v=spf1 include:in.example -all"), "in.example": record("hello") },
    ["include-unreachable"],
    /1 TXT record, none of them SPF/,
  ],
  [
    "an include that fails",
    { "test.example": record("v=spf1 include:in.example -all"), "in.example": ["SERVFAIL"] },
    ["include-unreachable"],
    /failed/,
  ],
  [
    "a host that is gone",
    { "test.example": record("v=spf1 a:gone.example -all") },
    ["void-lookup"],
    /A gone\.example: no such name/,
  ],
  [
    "all voids used",
    { "test.example": record("v=spf1 a:x.example a:y.example -all") },
    ["void-lookup", "void-lookup", "voids"],
    /one more makes it permerror/,
  ],
  [
    "too many voids, behind a match too",
    { "test.example": record("v=spf1 ip4:192.0.2.9 a:x.example a:y.example a:z.example -all") },
    ["void-lookup", "void-lookup", "void-lookup", "voids"],
    /3 lookups of the policy find nothing, and only 2 may/,
  ],
  ["no exists: that says no", { "test.example": record("v=spf1 exists:%{i}.list.example -all") }, []],
  [
    "a loop",
    { "test.example": record("v=spf1 include:test.example -all") },
    ["loop"],
    /test\.example → test\.example/,
  ],
  ["no lookups within reason", { "test.example": record(`v=spf1 ${terms(8)} -all`), ...hosts(8) }, []],
  [
    "lookups near the limit",
    { "test.example": record(`v=spf1 ${terms(9)} -all`), ...hosts(9) },
    ["lookups"],
    /9 of 10/,
  ],
  [
    "lookups over the limit, behind a match too",
    { "test.example": record(`v=spf1 ip4:192.0.2.9 ${terms(11)} -all`), ...hosts(11) },
    ["lookups"],
    /takes 11 lookups, and only 10 are allowed/,
  ],
  [
    "exp= that leads nowhere",
    { "test.example": record("v=spf1 -all exp=gone.example") },
    ["explanation"],
    /no such name/,
  ],
  [
    "exp= with two texts",
    { "test.example": record("v=spf1 -all exp=e.example"), "e.example": [{ TXT: "a" }, { TXT: "b" }] },
    ["explanation"],
    /2 records/,
  ],
  [
    "exp= beyond ASCII",
    { "test.example": record("v=spf1 -all exp=e.example"), "e.example": record("n\xc3\xb6") },
    ["explanation"],
    /not all ASCII/,
  ],
  [
    "exp= with a text that is no macro-string",
    { "test.example": record("v=spf1 -all exp=e.example"), "e.example": record("100% forged") },
    ["explanation"],
    /TXT e\.example: "% forged" is not a macro/,
  ],
  ["no good exp=", { "test.example": record("v=spf1 -all exp=e.example"), "e.example": record("no") }, []],
];

describe("warningsOf()", () => {
  for (const [what, zone, codes, words] of CASES) {
    it(`tells ${what}`, async () => {
      const warnings = warningsOf(await checkZone(zone, "192.0.2.9", "h.example", "u@test.example"));
      assert.deepEqual(
        warnings.map(({ code }) => code),
        codes,
        JSON.stringify(warnings),
      );
      if (words !== undefined) assert.match(warnings.map(({ text }) => text).join("\n"), words);
    });
  }
});
