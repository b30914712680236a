import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { replayCases } from "./replay-cases.ts";
import { Rng } from "./rng.ts";
import { afterInputs, afterTime, loadTargets, runTarget, shareOf } from "./target.ts";

/** Inputs of each target where FUZZ_SECONDS does not say otherwise. */
const INPUTS = 300;

const seed = Number(process.env["FUZZ_SEED"] ?? 20_261_122);
const seconds = process.env["FUZZ_SECONDS"];
const targets = await loadTargets();

describe(`fuzz targets, FUZZ_SEED=${seed}`, () => {
  it("are there", () => {
    assert.ok(targets.length > 0);
  });

  for (const target of targets) {
    it(`${target.name} keeps its promises on mutated input`, async (t) => {
      await replayCases(target);
      const deadline =
        seconds === undefined ? afterInputs(INPUTS) : afterTime(shareOf(target, targets, Number(seconds)));
      const inputs = await runTarget(target, new Rng(seed), deadline);
      assert.ok(inputs > 0);
      t.diagnostic(`${inputs} inputs, FUZZ_SEED=${seed}`);
    });
  }
});
