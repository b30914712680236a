import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runStorm } from "./storm.ts";

const seed = Number(process.env["SOAK_SEED"] ?? 20_261_122);

describe(`the daemon in a storm, SOAK_SEED=${seed}`, () => {
  it("gives 64 connections nothing but right verdicts, through reloads, flapping DNS and attacks", async (t) => {
    const report = await runStorm({ seed, seconds: 4, connections: 64, attackers: 4 });
    assert.deepEqual(report.wrong, []);
    assert.deepEqual(report.faults, []);
    const seen = ["pass", "fail", "softfail", "neutral", "none", "permerror", "temperror"];
    assert.deepEqual(
      seen.filter((result) => !report.results.has(result)),
      [],
    );
    assert.ok(report.reloads > 0);
    t.diagnostic(`${report.messages} messages, ${report.reloads} reloads, ${report.attacks} attacks`);
  });
});
