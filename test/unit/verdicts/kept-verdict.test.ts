import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Outcome, SPF_RESULTS } from "spf-check";
import { KeptVerdict } from "../../../src/verdicts/verdict-store.ts";
import { outcome } from "./support.ts";

const kept = (parts: Parameters<typeof outcome>[0]): Outcome =>
  new KeptVerdict(outcome(parts), "example.test", 1000, 0).outcome("example.test");

describe("KeptVerdict", () => {
  const plain = outcome({ lookups: 3, voids: 1, macrosRead: ["s", "h"] });
  const table: readonly [what: string, parts: Parameters<typeof outcome>[0]][] = [
    ["counts and macros", { lookups: 3, voids: 1, macrosRead: ["s", "h"] }],
    ["a result without a directive", { result: "none", mechanism: undefined, path: [] }],
    [
      "a problem",
      { result: "permerror", mechanism: undefined, path: [], problem: "two", failure: "records" },
    ],
    ["an explanation", { result: "fail", explanation: { text: "why", source: "domain" } }],
    ["where the record comes from", { recordSource: "override" }],
    ["local rules", { local: { result: "pass", mechanism: "ip4:192.0.2.1" } }],
    [
      "a guess",
      { result: "none", mechanism: undefined, path: [], guess: { result: "fail", mechanism: "-all" } },
    ],
    [
      "a redirect",
      {
        mechanism: "mx",
        path: [
          { domain: "example.test", term: "redirect=other.test" },
          { domain: "other.test", term: "mx" },
        ],
      },
    ],
  ];
  for (const [what, parts] of table) {
    it(`gives back ${what}`, () => {
      const path = parts?.path ?? [{ domain: plain.domain, term: plain.mechanism ?? "" }];
      assert.deepEqual(kept({ ...parts, path }), { ...outcome({ ...parts, path }), ttlSeconds: 0 });
    });
  }

  it("gives back each of many that have little alike, long mechanisms too", () => {
    const all = Array.from({ length: 3000 }, (_, i) =>
      outcome({
        result: SPF_RESULTS[i % SPF_RESULTS.length] ?? "none",
        lookups: i % 101,
        voids: i % 97,
        mechanism: `ip4:${"0".repeat(i % 200)}${i}`,
        macrosRead: i % 2 === 0 ? [] : ["s"],
        record: i % 3 === 0 ? "v=spf1 -all" : undefined,
      }),
    );
    const verdicts = all.map((one) => new KeptVerdict(one, one.domain, 1000, 0));
    for (const [i, verdict] of verdicts.entries()) {
      const { path: _path, ...found } = verdict.outcome("example.test");
      const { path: _none, ...expected } = { ...all[i], ttlSeconds: 0 };
      assert.deepEqual(found, expected);
    }
  });

  it("leaves out what lies inside of an include", () => {
    const path = [
      { domain: "example.test", term: "include:_spf.test" },
      { domain: "_spf.test", term: "ip4:192.0.2.0/24" },
    ];
    assert.deepEqual(kept({ mechanism: "include:_spf.test", path }).path, path.slice(0, 1));
  });

  it("gives back a domain that is not as it was asked for", () => {
    const other = outcome({ domain: "xn--bcher-kva.test", lookups: 1 });
    const verdict = new KeptVerdict(other, "b\xc3\xbccher.test.", 1000, 0).with({ masksSeen: 1 });
    assert.equal(verdict.outcome("b\xc3\xbccher.test.").domain, "xn--bcher-kva.test");
  });

  it("keeps of a record whether the domain sends no mail", () => {
    assert.equal(kept({ record: "V=spf1  -all" }).record, "v=spf1 -all");
    assert.equal(kept({ record: "v=spf1 mx -all" }).record, undefined);
  });

  it("with() changes the end and the masks, and nothing else", () => {
    const verdict = new KeptVerdict(outcome({ lookups: 2 }), "example.test", 1000.7, 5);
    const other = verdict.with({ expiresMs: 500 }).with({ masksSeen: 9 });
    assert.deepEqual([verdict.expiresMs, verdict.masksSeen], [1000, 5]);
    assert.deepEqual([other.expiresMs, other.masksSeen], [500, 9]);
    assert.deepEqual(other.outcome("a.test"), verdict.outcome("a.test"));
  });
});
