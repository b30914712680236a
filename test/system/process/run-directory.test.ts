import assert from "node:assert/strict";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { prepareRunDirectory, type RunFile } from "../../../src/process/index.ts";
import { daemonError, NEEDS_ROOT, withFolder } from "./samples.ts";

const ACCOUNT = { name: "x", uid: 12345, gid: 23456 };
const socketIn = (folder: string): RunFile => ({ option: "Socket", path: join(folder, "s"), exitCode: 69 });

describe("prepareRunDirectory", () => {
  for (const umask of [0o022, 0o077, 0]) {
    it(`makes a missing folder, for others to enter and not to write, under umask ${umask.toString(8)}`, () =>
      withFolder((folder) => {
        const run = join(folder, "smfs");
        const former = process.umask(umask);
        try {
          assert.deepEqual(prepareRunDirectory(socketIn(run), undefined), []);
        } finally {
          assert.equal(process.umask(former), umask);
        }
        assert.equal(statSync(run).mode & 0o777, 0o755);
      }));
  }

  it("gives a folder that it makes to User", { skip: NEEDS_ROOT }, () =>
    withFolder((folder) => {
      const run = join(folder, "smfs");
      prepareRunDirectory(socketIn(run), ACCOUNT);
      assert.deepEqual([statSync(run).uid, statSync(run).gid], [12345, 23456]);
    }),
  );

  it("warns of a folder that User cannot remove files from", { skip: NEEDS_ROOT }, () =>
    withFolder((folder) => {
      writeFileSync(join(folder, "of-another"), "");
      const warnings = prepareRunDirectory(socketIn(folder), ACCOUNT);
      assert.match(warnings.join(), /does not belong to User x/);
      assert.notEqual(statSync(folder).uid, 12345);
    }),
  );

  it("gives an empty folder of root's to User", { skip: NEEDS_ROOT }, () =>
    withFolder((folder) => {
      assert.deepEqual(prepareRunDirectory(socketIn(folder), ACCOUNT), []);
      assert.equal(statSync(folder).uid, 12345);
    }),
  );

  it("explains when the folder above is missing too, and what others than root can do", () =>
    withFolder((folder) => {
      assert.throws(
        () => prepareRunDirectory(socketIn(join(folder, "a", "b")), undefined),
        daemonError(
          69,
          NEEDS_ROOT === false
            ? /Socket .*\/a\/b\/s: the directory .*\/a\/b does not exist and cannot be made: .*\/a does not exist either$/
            : /\/a does not exist either; start smf-spf as root, or set Socket$/,
        ),
      );
    }));

  it("refuses a folder that anyone may write to", () =>
    withFolder((folder) => {
      const run = join(folder, "smfs");
      mkdirSync(run);
      chmodSync(run, 0o777);
      assert.throws(
        () => prepareRunDirectory(socketIn(run), undefined),
        daemonError(69, /is world-writable.*chmod o-w/),
      );
    }));

  it("warns of a folder like /tmp", () =>
    withFolder((folder) => {
      const run = join(folder, "tmp");
      mkdirSync(run);
      chmodSync(run, 0o1777);
      assert.match(prepareRunDirectory(socketIn(run), undefined).join(), /is world-writable/);
    }));

  it("refuses a file in place of the folder", () =>
    withFolder((folder) => {
      writeFileSync(join(folder, "f"), "");
      assert.throws(
        () =>
          prepareRunDirectory({ option: "PidFile", path: join(folder, "f", "pid"), exitCode: 73 }, undefined),
        daemonError(73, /is not a directory/),
      );
    }));
});
