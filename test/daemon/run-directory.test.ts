import assert from "node:assert/strict";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { prepareRunDirectory } from "../../src/daemon/index.ts";
import { daemonError, NEEDS_ROOT, withFolder } from "./samples.ts";

describe("prepareRunDirectory", () => {
  it("makes a missing folder, for others to enter and not to write", () =>
    withFolder((folder) => {
      const run = join(folder, "smfs");
      assert.deepEqual(prepareRunDirectory("Socket", join(run, "s"), undefined, 69), []);
      assert.equal(statSync(run).mode & 0o022, 0);
    }));

  it("gives a folder that it makes to User", { skip: NEEDS_ROOT }, () =>
    withFolder((folder) => {
      const run = join(folder, "smfs");
      prepareRunDirectory("Socket", join(run, "s"), { name: "x", uid: 12345, gid: 23456 }, 69);
      assert.deepEqual([statSync(run).uid, statSync(run).gid], [12345, 23456]);
    }),
  );

  it("warns of a folder that User cannot remove files from", { skip: NEEDS_ROOT }, () =>
    withFolder((folder) => {
      const account = { name: "x", uid: 12345, gid: 23456 };
      const warnings = prepareRunDirectory("PidFile", join(folder, "pid"), account, 69);
      assert.match(warnings.join(), /does not belong to User x/);
      assert.notEqual(statSync(folder).uid, 12345);
    }),
  );

  it("explains when the folder above is missing too", () =>
    withFolder((folder) => {
      assert.throws(
        () => prepareRunDirectory("Socket", join(folder, "a", "b", "s"), undefined, 69),
        daemonError(
          69,
          /Socket .*\/a\/b\/s: the folder .*\/a\/b does not exist and cannot be made: .*\/a does not exist/,
        ),
      );
    }));

  it("refuses a folder that anyone may write to", () =>
    withFolder((folder) => {
      const run = join(folder, "smfs");
      mkdirSync(run);
      chmodSync(run, 0o777);
      assert.throws(
        () => prepareRunDirectory("Socket", join(run, "s"), undefined, 69),
        daemonError(69, /anyone may write to the folder .*chmod o-w/),
      );
    }));

  it("warns of a folder like /tmp", () =>
    withFolder((folder) => {
      const run = join(folder, "tmp");
      mkdirSync(run);
      chmodSync(run, 0o1777);
      assert.match(
        prepareRunDirectory("Socket", join(run, "s"), undefined, 69).join(),
        /anyone may make files/,
      );
    }));

  it("refuses a file in place of the folder", () =>
    withFolder((folder) => {
      writeFileSync(join(folder, "f"), "");
      assert.throws(
        () => prepareRunDirectory("PidFile", join(folder, "f", "pid"), undefined, 73),
        daemonError(73, /is no folder/),
      );
    }));
});
