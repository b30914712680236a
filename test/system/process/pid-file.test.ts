import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { removePidFile, writePidFile } from "../../../src/process/index.ts";
import { PATIENCE_MS } from "../../support/child-process.ts";
import { daemonError, deadPid, NEEDS_ROOT, runScript, withFolder } from "./samples.ts";

const PROGRAM = "/usr/local/sbin/smf-spf";

describe("writePidFile", () => {
  it("writes our pid for all to read, and removePidFile() takes it away", () =>
    withFolder((folder) => {
      const path = join(folder, "pid");
      const umask = process.umask(0o077);
      writePidFile(path, undefined, PROGRAM);
      process.umask(umask);
      assert.equal(readFileSync(path, "latin1"), `${process.pid}\n`);
      assert.equal(statSync(path).mode & 0o777, 0o644);
      removePidFile(path);
      assert.deepEqual(readdirSync(folder), []);
    }));

  it("writes another process's PID, and removePidFile() takes away that only", () =>
    withFolder((folder) => {
      const path = join(folder, "pid");
      writePidFile(path, undefined, PROGRAM, process.ppid);
      assert.equal(readFileSync(path, "latin1"), `${process.ppid}\n`);
      removePidFile(path);
      assert.deepEqual(readdirSync(folder), ["pid"]);
      removePidFile(path, process.ppid);
      assert.deepEqual(readdirSync(folder), []);
    }));

  it("gives the file to User", { skip: NEEDS_ROOT }, () =>
    withFolder((folder) => {
      const path = join(folder, "pid");
      writePidFile(path, { name: "x", uid: 12345, gid: 23456 }, PROGRAM);
      assert.equal(statSync(path).uid, 12345);
    }),
  );

  it("replaces the file of a process that is gone, or of another program", () =>
    withFolder((folder) => {
      const path = join(folder, "pid");
      for (const old of [String(deadPid()), String(process.ppid), "", "rubbish", "-1"]) {
        writeFileSync(path, old);
        writePidFile(path, undefined, PROGRAM);
        assert.equal(readFileSync(path, "latin1"), `${process.pid}\n`, old);
      }
    }));

  it(
    "refuses with 69 when the process named runs the same program",
    { skip: process.platform !== "linux" && "needs /proc" },
    () =>
      withFolder(async (folder) => {
        const path = join(folder, "pid");
        const script = join(folder, "daemon.js");
        writeFileSync(script, "console.log('up'); setInterval(() => {}, 60000);");
        const child = runScript(script, []);
        try {
          assert.ok(child.stdout !== null);
          await once(child.stdout, "data", { signal: AbortSignal.timeout(PATIENCE_MS) });
          writeFileSync(path, String(child.pid));
          assert.throws(
            () => {
              writePidFile(path, undefined, script);
            },
            daemonError(69, /is already running/),
          );
        } finally {
          child.kill("SIGKILL");
        }
      }),
  );

  it("refuses a symbolic link and does not follow it", () =>
    withFolder((folder) => {
      const path = join(folder, "pid");
      const victim = join(folder, "victim");
      writeFileSync(victim, "precious");
      symlinkSync(victim, path);
      assert.throws(
        () => {
          writePidFile(path, undefined, PROGRAM);
        },
        daemonError(73, /symbolic link/),
      );
      assert.equal(readFileSync(victim, "latin1"), "precious");
      assert.equal(readlinkSync(path), victim);
    }));

  it("refuses a folder", () =>
    withFolder((folder) => {
      mkdirSync(join(folder, "pid"));
      assert.throws(
        () => {
          writePidFile(join(folder, "pid"), undefined, PROGRAM);
        },
        daemonError(73, /is not a file/),
      );
    }));

  it("leaves nothing behind where it cannot be finished", { skip: NEEDS_ROOT }, () =>
    withFolder((folder) => {
      const nobody = { name: "nobody", uid: 2 ** 40, gid: 0, groups: [] };
      assert.throws(
        () => {
          writePidFile(join(folder, "pid"), nobody, PROGRAM);
        },
        daemonError(73, /cannot be written/),
      );
      assert.deepEqual(readdirSync(folder), []);
    }),
  );

  it("is not held up by what an earlier process of the same number has left", () =>
    withFolder((folder) => {
      const path = join(folder, "pid");
      writeFileSync(`${path}.${process.pid}`, `${process.pid}\n`);
      writePidFile(path, undefined, PROGRAM);
      assert.deepEqual(readdirSync(folder), ["pid"]);
    }));

  it("is not held up by a FIFO under its temporary name", () =>
    withFolder((folder) => {
      const path = join(folder, "pid");
      execFileSync("mkfifo", [`${path}.${process.pid}`]);
      assert.throws(
        () => {
          writePidFile(path, undefined, PROGRAM);
        },
        daemonError(73, /cannot be written/),
      );
    }));

  it("does not write through a link under its temporary name", () =>
    withFolder((folder) => {
      const path = join(folder, "pid");
      const victim = join(folder, "victim");
      writeFileSync(victim, "precious");
      symlinkSync(victim, `${path}.${process.pid}`);
      assert.throws(
        () => {
          writePidFile(path, undefined, PROGRAM);
        },
        daemonError(73, /cannot be written/),
      );
      assert.equal(readFileSync(victim, "latin1"), "precious");
    }));
});

describe("removePidFile", () => {
  it("is neither held up by a FIFO in the file's place nor led away by a link", () =>
    withFolder((folder) => {
      const fifo = join(folder, "fifo");
      execFileSync("mkfifo", [fifo]);
      removePidFile(fifo);
      assert.ok(existsSync(fifo));
      const victim = join(folder, "victim");
      writeFileSync(victim, `${process.pid}\n`);
      symlinkSync(victim, join(folder, "link"));
      removePidFile(join(folder, "link"));
      assert.ok(existsSync(join(folder, "link")));
      assert.equal(readFileSync(victim, "latin1"), `${process.pid}\n`);
    }));

  it("leaves a file that names another process, or is missing", () =>
    withFolder((folder) => {
      const path = join(folder, "pid");
      removePidFile(path);
      writeFileSync(path, "1\n");
      removePidFile(path);
      assert.equal(readFileSync(path, "latin1"), "1\n");
    }));
});
