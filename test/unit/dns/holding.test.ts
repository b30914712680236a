import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";

const CHILD = join(import.meta.dirname, "holding-child.ts");

function octetsHeld(kind: string): number {
  const args = ["--expose-gc", "--import", "tsx", CHILD, kind];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  const octets = Number.parseInt(stdout, 10);
  assert.ok(Number.isFinite(octets), stderr);
  return octets;
}

// A thousand evaluations may wait at once, an eighth of them for one client with one domain.
describe("an evaluation that waits", () => {
  const MIB = 1024 * 1024;
  for (const [kind, what] of [
    ["addresses", "ten records of addresses"],
    ["lookups", "ten records of lookups"],
    ["modifiers", "ten records of modifiers"],
    ["macros", "ten records with long names of macros"],
    ["hinted", "answers that were asked for early"],
    ["exchangers", "exchangers and their addresses"],
    ["names", "the client's names"],
  ] as const) {
    it(`holds little more than the texts of its records: ${what}`, () => {
      const octets = octetsHeld(kind);
      assert.ok(octets < MIB, `${octets} octets`);
    });
  }
});
