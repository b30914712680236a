import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ZoneData } from "../../system/conformance/zone.ts";
import { check, publishing } from "./support.ts";

/** The value of %{p} for 192.0.2.1, read from the explanation of a fail. */
function validatedName(names: readonly string[], others: ZoneData): string | undefined {
  const { outcome } = check(
    publishing("v=spf1 -all exp=exp.test", {
      "exp.test": [{ TXT: "%{p}" }],
      "1.2.0.192.in-addr.arpa": names.map((name) => ({ PTR: name })),
      ...others,
    }),
  );
  assert.deepEqual([outcome.lookups, outcome.voids], [0, 0]);
  return outcome.explanation?.text;
}

describe("%{p}", () => {
  const here = [{ A: "192.0.2.1" }];
  const table: readonly [what: string, names: string[], others: ZoneData, value: string][] = [
    ["is unknown without PTR records", [], {}, "unknown"],
    [
      "is unknown where no name leads back",
      ["a.test", "b.test"],
      { "a.test": [{ A: "192.0.2.2" }] },
      "unknown",
    ],
    ["is unknown where the PTR lookup fails", [], { "1.2.0.192.in-addr.arpa": ["SERVFAIL"] }, "unknown"],
    [
      "passes over names that fault",
      ["a.test", "b.test"],
      { "a.test": ["SERVFAIL"], "b.test": here },
      "b.test",
    ],
    ["passes over names DNS cannot carry", ["a..test", "b.test"], { "b.test": here }, "b.test"],
    [
      "prefers the domain itself",
      ["a.test", "a.example.test", "Example.Test"],
      {
        "a.test": here,
        "a.example.test": here,
        "example.test": [{ TXT: "v=spf1 -all exp=exp.test" }, ...here],
      },
      "Example.Test",
    ],
    [
      "prefers a name below the domain",
      ["a.test", "z.example.test"],
      { "a.test": here, "z.example.test": here },
      "z.example.test",
    ],
    [
      "does not take a name for one below that only ends alike",
      ["a.test", "myexample.test"],
      { "a.test": here, "myexample.test": here },
      "a.test",
    ],
    ["hangs on no order of records", ["c.test", "b.test"], { "c.test": here, "b.test": here }, "b.test"],
  ];
  for (const [what, names, others, value] of table) {
    it(what, () => {
      assert.equal(validatedName(names, others), value);
    });
  }
});
