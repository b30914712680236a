import assert from "node:assert/strict";
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { takeLock } from "../../../src/process/run-files.ts";
import { PATIENCE_MS } from "../../support/child-process.ts";
import { deadPid, withFolder } from "./samples.ts";

describe("takeLock", () => {
  it("is held by one at a time and can be given back", () =>
    withFolder((folder) => {
      const path = join(folder, "lock");
      const release = takeLock(path);
      assert.ok(typeof release === "function");
      assert.equal(readFileSync(path, "latin1").trim(), String(process.pid));
      assert.equal(takeLock(path), process.pid);
      release();
      const again = takeLock(path);
      assert.ok(typeof again === "function");
      again();
      assert.deepEqual(readdirSync(folder), []);
    }));

  it("takes over the lock of a dead process and leaves no other file", () =>
    withFolder((folder) => {
      const path = join(folder, "lock");
      writeFileSync(path, `${deadPid()}\n`);
      const release = takeLock(path);
      assert.ok(typeof release === "function");
      assert.deepEqual(readdirSync(folder), ["lock"]);
      release();
    }));

  it("takes over what an earlier process of the same number has left", () =>
    withFolder((folder) => {
      const path = join(folder, "lock");
      writeFileSync(path, `${process.pid}\n`);
      writeFileSync(`${path}.${process.pid}.0`, `${process.pid}\n`);
      const release = takeLock(path);
      assert.ok(typeof release === "function");
      assert.equal(takeLock(path), process.pid);
      assert.deepEqual(readdirSync(folder), ["lock"]);
      release();
      assert.deepEqual(readdirSync(folder), []);
    }));

  it("is not held up by a FIFO, nor led away by a link, in its place", () =>
    withFolder((folder) => {
      const path = join(folder, "lock");
      execFileSync("mkfifo", [path]);
      const release = takeLock(path);
      assert.ok(typeof release === "function");
      release();
      symlinkSync(join(folder, "elsewhere"), path);
      assert.throws(() => takeLock(path), /ELOOP/);
      assert.deepEqual(readdirSync(folder), ["lock"]);
    }));

  it("is taken by one when several find a stale lock at once", () =>
    withFolder(async (folder) => {
      const path = join(folder, "lock");
      writeFileSync(path, `${deadPid()}\n`);
      const contender = join(import.meta.dirname, "lock-contender.ts");
      const children = Array.from({ length: 6 }, () =>
        fork(contender, [path], { execArgv: ["--import", "tsx"] }),
      );
      try {
        const signal = AbortSignal.timeout(PATIENCE_MS);
        const results = await Promise.all(children.map((child) => once(child, "message", { signal })));
        assert.equal(results.filter(([result]) => result === "won").length, 1);
      } finally {
        for (const child of children) child.kill();
      }
    }));
});
