import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { check, publishing } from "./support.ts";

// Each of these would run for minutes, or out of memory, if its cost were not bounded.
describe("hostile zones", () => {
  const LONG = 64_000;

  const table: readonly [what: string, terms: string, result: string][] = [
    ["a record of ip4 terms", "ip4:10.0.0.1 ".repeat(LONG / 13), "neutral"],
    ["a record of lookups", "a ".repeat(LONG / 2), "permerror"],
    ["a record of macros", `exists:${"%{s}".repeat(LONG / 4)}.test`, "neutral"],
    ["a record of macros that come to nothing", `exists:${"%{l1-}".repeat(LONG / 6)}`, "neutral"],
    ["a record of escaped macros", `exists:${"%{L}".repeat(LONG / 4)}`, "neutral"],
    ["a macro of digits", `exists:%{d${"9".repeat(LONG)}}`, "pass"],
    ["a macro of delimiters", `exists:%{l${"-+/=".repeat(LONG / 4)}}`, "neutral"],
    ["a macro that never ends", `exists:%{l${"-".repeat(LONG)}`, "permerror"],
    ["many macros that never end", `exists:${"%{d1".repeat(LONG / 4)}`, "permerror"],
    ["a name of dots", `a:${".".repeat(LONG)}test`, "neutral"],
    ["a name of hyphens", `a:x.${"-".repeat(LONG)}x`, "permerror"],
    ["a name of slashes", `a:x.test${"/1".repeat(LONG / 2)}`, "permerror"],
    ["prefix digits", `a/${"1".repeat(LONG)}`, "permerror"],
    ["a modifier's name", `${"x".repeat(LONG)}=`, "neutral"],
    ["a mechanism's name", "x".repeat(LONG), "permerror"],
    ["an address", `ip6:${"1:".repeat(LONG / 2)}`, "permerror"],
    ["spaces", " ".repeat(LONG), "neutral"],
  ];
  for (const [what, terms, result] of table) {
    it(`${what} of 64 KB is evaluated`, () => {
      const zone = publishing(`v=spf1 ${terms}`, { "ip.test": [{ A: "192.0.2.9" }] });
      const { outcome } = check(
        { ...zone, "example.test": [...(zone["example.test"] ?? []), { A: "192.0.2.9" }] },
        { sender: `${"a-".repeat(32_000)}@example.test`, hints: true, trace: true },
      );
      assert.equal(outcome.result, result);
    });
  }

  it("a record of 64 KB that includes itself is evaluated eleven times", () => {
    const filler = "ip4:10.0.0.1 ".repeat(4900);
    const { outcome, questions } = check(publishing(`v=spf1 ${filler}include:example.test`));
    assert.deepEqual([outcome.result, questions.length], ["permerror", 11]);
  });

  it("ten thousand TXT strings and ten thousand TXT records are one answer", () => {
    const strings = ["v=spf1 ", ...Array.from({ length: 10_000 }, () => "ip4:1.1.1.1 "), "-all"];
    const others = Array.from({ length: 10_000 }, (_, i) => ({ TXT: `token=${i}` }));
    const { outcome } = check({ "example.test": [...others, { TXT: strings }] });
    assert.equal(outcome.mechanism, "-all");
  });

  it("thousands of exchangers, addresses and PTR records lead to eleven questions a term", () => {
    const zone = publishing("v=spf1 ptr mx -all", {
      "example.test": [
        { TXT: "v=spf1 ptr mx -all" },
        ...Array.from({ length: 4000 }, (_, i) => ({ MX: [i, "m.test"] })),
        ...Array.from({ length: 4000 }, () => ({ A: "192.0.2.9" })),
      ],
      "m.test": Array.from({ length: 4000 }, () => ({ A: "192.0.2.9" })),
      "1.2.0.192.in-addr.arpa": Array.from({ length: 4000 }, (_, i) => ({ PTR: `p${i}.example.test` })),
    });
    const { outcome, questions } = check(zone);
    assert.deepEqual([outcome.result, questions.length], ["permerror", 1 + 11 + 11]);
  });

  it("an explanation of macros is cut off", () => {
    const { outcome } = check(
      publishing("v=spf1 -all exp=e.test", { "e.test": [{ TXT: "%{S}".repeat(16_000) }] }),
      {
        sender: `${"/".repeat(64_000)}@example.test`,
      },
    );
    assert.equal(outcome.explanation?.text.length, 500);
  });
});
