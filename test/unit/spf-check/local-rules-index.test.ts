import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRecord } from "spf-check";
import { localRulesIndex } from "../../../src/spf-check/check-host.ts";
import { check, mechanisms, NO_POLICY, publishing } from "./support.ts";

describe("localRulesIndex", () => {
  const table: readonly [record: string, index: number | undefined][] = [
    ["mx -all", 1],
    ["a -ip4:1.2.3.4 -all", 1],
    ["a ~ip4:1.2.3.4 -all", 2],
    ["a -mx ~all", 2],
    ["a ?mx ?all", 1],
    ["a -mx a -mx -all", 3],
    ["-mx ~all -all", 1],
    ["mx -all ~a ~all", 1],
    ["-all", undefined],
    ["-ip4:1.2.3.4 -all", undefined],
    ["exp=e.test -all", undefined],
    ["mx", undefined],
    ["mx +all", undefined],
    ["mx all", undefined],
    ["include:x.test redirect=y.test", undefined],
    ["", undefined],
  ];
  for (const [body, index] of table) {
    it(`is ${String(index)} for ${body}`, () => {
      const parsed = parseRecord(`v=spf1 ${body}`);
      assert.ok("record" in parsed);
      assert.equal(localRulesIndex(parsed.record), index);
    });
  }

  it("is at the same place where what plays no part is left out", () => {
    const rules = mechanisms("ip4:192.0.2.1");
    for (const [body] of [
      ...table,
      ["ip4:1.2.3.4 ip4:1.2.3.5 -all"],
      ["-ip4:1.2.3.4 ip4:1.2.3.5 -ip4:1.2.3.6 -all"],
      ["ip4:1.2.3.4 -ip4:1.2.3.5 -ip4:192.0.2.1 -all"],
      ["ip4:192.0.2.1 -ip4:1.2.3.5 -all"],
      ["?a -mx ?ip4:1.2.3.4 -all"],
    ] as const) {
      const zone = publishing(`v=spf1 ${body}`, {
        "x.test": [{ TXT: "v=spf1 ip4:1.2.3.4 -all" }],
        "y.test": [{ TXT: "v=spf1 ip4:1.2.3.4 ~ip4:1.2.3.5 ~all" }],
      });
      const localPolicy = { ...NO_POLICY, rules };
      const traced = check(zone, { localPolicy, trace: true }).outcome;
      assert.deepEqual(check(zone, { localPolicy }).outcome, { ...traced, trace: undefined }, body);
    }
  });
});
