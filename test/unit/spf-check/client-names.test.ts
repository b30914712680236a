import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkHost } from "spf-check";
import { Zone, type ZoneData } from "../../system/conformance/zone.ts";
import { check, inputFor, publishing } from "./support.ts";

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

describe("the questions about the client's own names", () => {
  it("are marked, and no others are", () => {
    const server = new Zone(
      publishing("v=spf1 exists:%{p}.x.test ptr:other.test mx a:%{p2}.test -all", {
        "1.2.0.192.in-addr.arpa": [{ PTR: "n.example.test" }, { PTR: "n.other.test" }],
        "n.example.test": [{ A: "192.0.2.9" }],
      }),
    );
    const asked: string[] = [];
    const evaluator = checkHost(inputFor({ limits: { lookupLimit: 10, voidLookupLimit: 10 } }));
    for (let next = evaluator.next(); next.done !== true; ) {
      const step = next.value;
      if (step.kind !== "ask") {
        next = evaluator.next();
        continue;
      }
      const { type, name } = step.question;
      asked.push(`${type} ${name}${step.ofClient === true ? " *" : ""}`);
      next = evaluator.next(server.answer(step.question));
    }
    assert.deepEqual(asked, [
      "TXT example.test",
      "PTR 1.2.0.192.in-addr.arpa *",
      "A n.example.test *",
      "A n.other.test *",
      "A unknown.x.test",
      "MX example.test",
      "A unknown.test",
    ]);
  });
});
