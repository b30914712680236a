import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryBudget } from "../../../src/server/connection.ts";

describe("MemoryBudget", () => {
  const table: readonly [what: string, others: number, before: number, now: number, stays: boolean][] = [
    ["all of it, alone", 0, 0, 1000, true],
    ["more than all of it, alone", 0, 0, 1001, false],
    ["more than a share while there is room", 100, 0, 900, true],
    ["more than a share when there is none", 100, 300, 901, false],
    ["its share when there is no room", 2000, 0, 250, true],
    ["one octet over its share when there is no room", 2000, 0, 251, false],
    ["far over its share, but less than before", 2000, 900, 899, true],
  ];
  for (const [what, others, before, now, stays] of table) {
    it(`account() ${stays ? "keeps" : "closes"} one of four that holds ${what}`, () => {
      const budget = new MemoryBudget(1000);
      budget.account(0, others + before, 1);
      assert.equal(budget.account(before, now, what.endsWith("alone") ? 1 : 4), stays);
      assert.equal(budget.held, others + now);
    });
  }
});
