import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { NEEDS_ROOT, outputOf, runScript } from "./samples.ts";

const script = join(import.meta.dirname, "privileges-dropper.ts");

describe("dropPrivileges", () => {
  it("leaves nothing of root", { skip: NEEDS_ROOT }, async () => {
    const { code, out, err } = await outputOf(runScript(script, ["nobody"]));
    assert.equal(code, 0, err);
    const { uid, euid, gid, groups, root } = JSON.parse(out) as Record<string, unknown>;
    assert.equal(uid, euid);
    assert.notEqual(uid, 0);
    assert.notEqual(gid, 0);
    assert.ok(Array.isArray(groups) && !groups.includes(0));
    assert.equal(root, "refused");
  });

  it("becomes a number without an entry, with its own group alone", { skip: NEEDS_ROOT }, async () => {
    const { code, out, err } = await outputOf(runScript(script, ["54321"]));
    assert.equal(code, 0, err);
    assert.deepEqual(JSON.parse(out), {
      uid: 54321,
      euid: 54321,
      gid: 54321,
      groups: [54321],
      root: "refused",
    });
  });

  it("says so, with 71, when root would remain", { skip: NEEDS_ROOT }, async () => {
    const { code, err } = await outputOf(runScript(script, ["root"]));
    assert.equal(code, 71);
    assert.match(err, /root privileges were not dropped for User root/);
  });

  it("says so, with 71, when the system refuses", {
    skip: NEEDS_ROOT === false && "root is refused nothing",
  }, async () => {
    const { code, err } = await outputOf(runScript(script, ["root"]));
    assert.equal(code, 71);
    assert.match(err, /cannot become User root/);
  });
});
