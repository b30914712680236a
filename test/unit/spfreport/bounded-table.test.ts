import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BoundedTable } from "../../../src/spfreport/bounded-table.ts";

function add(table: BoundedTable<{ count: number }>, key: string): void {
  const entry = table.get(key);
  if (entry === undefined) table.add(key, { count: 1 });
  else entry.count++;
}

describe("BoundedTable", () => {
  it("is exact while there is room", () => {
    const table = new BoundedTable<{ count: number }>(100);
    for (let i = 0; i < 1000; i++) add(table, `key${i % 100}`);
    assert.equal([...table.values()].length, 100);
    assert.ok([...table.values()].every(({ count }) => count === 10));
    assert.equal(table.lost, 0);
  });

  it("keeps what is frequent among ever new keys, and says what is lost", () => {
    const table = new BoundedTable<{ count: number }>(100);
    for (let i = 0; i < 100_000; i++) {
      add(table, `once${i}`);
      if (i % 10 === 0) add(table, `often${i % 50}`);
    }
    assert.ok([...table.entries()].length <= 100);
    for (const key of ["often0", "often10", "often20", "often30", "often40"]) {
      const count = table.get(key)?.count ?? 0;
      assert.ok(count <= 2000 && count + table.lost >= 2000, `${key} ${count}`);
    }
    assert.ok(table.lost > 0);
  });

  it("stays bounded where all keys are alike", () => {
    const table = new BoundedTable<{ count: number }>(100);
    for (let i = 0; i < 10_000; i++) add(table, `once${i}`);
    assert.ok([...table.entries()].length <= 100);
  });
});
