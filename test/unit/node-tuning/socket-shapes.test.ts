import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

const CHILD = join(import.meta.dirname, "accepting-child.ts");
/** Both ends of a connection, each with a hidden class of its own, are some 2,700 octets; Node 24 needs 1,100 for more. */
const OCTETS_MAX = 2000;

const folder = mkdtempSync(join(tmpdir(), "socket-shapes-"));
after(() => {
  rmSync(folder, { recursive: true });
});

function octetsOfOneConnection(mode: "shared" | "alone"): number {
  const args = ["--expose-gc", "--import", "tsx", CHILD, join(folder, mode), mode];
  return Number(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

describe("shareSocketShapes", () => {
  it("keeps connections from filling the old part of the heap", () => {
    const octets = octetsOfOneConnection("shared");
    assert.ok(octets < OCTETS_MAX, `${octets} octets`);
  });

  it("is needed up to V8 11 and not later", () => {
    const octets = octetsOfOneConnection("alone");
    assert.equal(octets > OCTETS_MAX, Number.parseInt(process.versions.v8, 10) < 12, `${octets} octets`);
  });
});
