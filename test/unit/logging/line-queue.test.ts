import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LineQueue, type QueuedLine } from "../../../src/logging/sink.ts";

const line = (text: string): QueuedLine => ({ level: "info", line: text });
const texts = (lines: readonly QueuedLine[]): string => lines.map(({ line }) => line).join("");

describe("LineQueue", () => {
  it("drops the newest line and counts it when it is full", () => {
    const queue = new LineQueue(2);
    for (const text of ["a", "b", "c"]) queue.push(line(text));
    assert.equal(queue.dropped, 1);
    assert.equal(texts(queue.take(9)), "ab");
    assert.equal(queue.takeDropped(), 1);
    assert.equal(queue.takeDropped(), 0);
  });

  it("keeps the order when lines are given back", () => {
    const queue = new LineQueue(3);
    for (const text of ["a", "b", "c"]) queue.push(line(text));
    const taken = queue.take(2);
    queue.push(line("d"));
    queue.giveBack(taken);
    assert.equal(queue.length, 3);
    assert.equal(queue.dropped, 1);
    assert.equal(texts(queue.take(3)), "abc");
  });
});
