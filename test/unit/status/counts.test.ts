import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Histogram, MinuteRing, quantile } from "../../../src/status/counts.ts";

describe("MinuteRing", () => {
  it("sums the last minutes as a list of all of them would", () => {
    const step = fc.record({ minutes: fc.integer({ min: -2, max: 7 }), adds: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(step), fc.integer({ min: 1, max: 5 }), (steps, back) => {
        const ring = new MinuteRing(2, 5, 100);
        const seen: number[] = [];
        let minute = 100;
        for (const { minutes, adds } of steps) {
          ring.advance(minute + minutes);
          minute = Math.max(minute, minute + minutes);
          for (let nth = 0; nth < adds; nth++) {
            ring.add(1);
            seen.push(minute);
          }
        }
        assert.deepEqual(ring.sums(back), [0, seen.filter((at) => at > minute - back).length]);
      }),
    );
  });

  it("groups minutes on whole multiples, the latest group not full", () => {
    const ring = new MinuteRing(1, 60, 60);
    for (let minute = 60; minute <= 76; minute++) {
      ring.advance(minute);
      ring.add(0);
    }
    assert.deepEqual(
      ring.groups(15, 3).map(({ startMinute, sums }) => [startMinute, sums[0]]),
      [
        [45, 0],
        [60, 15],
        [75, 2],
      ],
    );
  });
});

describe("Histogram", () => {
  it("counts a value in the first bucket whose bound is not below it", () => {
    const histogram = new Histogram([1, 2, 5]);
    for (const value of [0, 1, 1.5, 2, 5, 5.1]) histogram.observe(value);
    assert.deepEqual([...histogram.counts], [2, 2, 1, 1]);
    assert.equal(histogram.sum, 14.6);
  });

  const table: readonly [counts: number[], share: number, value: number | undefined][] = [
    [[0, 0, 0], 0.5, undefined],
    [[10, 0, 0], 0.5, 0.5],
    [[0, 10, 0], 0.5, 1.5],
    [[5, 5, 0], 0.95, 1.9],
    [[0, 0, 3], 0.5, 2],
  ];
  for (const [counts, share, value] of table) {
    it(`finds ${share} of ${counts.join(", ")} at ${value ?? "nothing"}`, () => {
      assert.equal(quantile([1, 2], counts, share), value);
    });
  }
});
