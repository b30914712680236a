import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RateLimitedCount } from "../../../src/server/milter-server.ts";

describe("RateLimitedCount", () => {
  it("tells the first at once, then sums, one an interval, and falls silent", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const told: number[] = [];
    const count = new RateLimitedCount(60_000, (n) => told.push(n));
    count.add();
    assert.deepEqual(told, [1]);
    for (let i = 0; i < 500; i++) count.add();
    t.mock.timers.tick(59_999);
    assert.deepEqual(told, [1]);
    t.mock.timers.tick(1);
    assert.deepEqual(told, [1, 500]);
    t.mock.timers.tick(60_000);
    assert.deepEqual(told, [1, 500]);
    count.add(3);
    assert.deepEqual(told, [1, 500, 3]);
  });

  it("tells the rest when it is stopped", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const told: number[] = [];
    const count = new RateLimitedCount(60_000, (n) => told.push(n));
    count.add();
    count.add();
    count.stop();
    assert.deepEqual(told, [1, 1]);
    count.stop();
    t.mock.timers.tick(120_000);
    assert.deepEqual(told, [1, 1]);
  });
});
