import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRecord } from "spf-check";
import { localRulesIndex } from "../../../src/spf-check/check-host.ts";

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
});
