import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { heapShare, oldSpaceOctets } from "../../../src/node-tuning.ts";

const MIB = 1024 * 1024;

describe("oldSpaceOctets", () => {
  const table: readonly [flags: string, mib: number | undefined][] = [
    ["", undefined],
    ["--enable-source-maps", undefined],
    ["--max-old-space-size=48", 48],
    ["--max_old_space_size=48", 48],
    ["--max-old-space-size 48", 48],
    ["--max-old-space-size=48 --max-old-space-size=96", 96],
    ["--max-old-space-size=0", undefined],
    ["--max-old-space-size=x", undefined],
    ["--max-semi-space-size=16", undefined],
  ];
  for (const [flags, mib] of table) {
    it(`is ${mib ?? "unknown"} for ${flags === "" ? "no flags" : flags}`, () => {
      assert.equal(oldSpaceOctets(flags.split(" ")), mib === undefined ? undefined : mib * MIB);
    });
  }
});

describe("heapShare", () => {
  it("gives what is wanted, and no more than an eighth of the heap", () => {
    assert.equal(heapShare(1000), 1000);
    assert.ok(heapShare(Infinity) > MIB && Number.isInteger(heapShare(Infinity)));
  });
});
