import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { LogWatch } from "./log-watch.ts";

describe("LogWatch", () => {
  it("sees every fault once, over halves of lines and over rotations", () => {
    const folder = mkdtempSync(join(tmpdir(), "log-watch-"));
    const path = join(folder, "log");
    // A daemon goes on with the old file until it has opened the new one.
    let fd: number | undefined;
    let reopensIn = 0;
    let rotations = 0;
    const watch = new LogWatch({
      path,
      isFault: (line) => line.startsWith("error"),
      octetsMax: 400,
      reopen: () => {
        reopensIn = 3;
        rotations++;
      },
    });
    try {
      watch.poll();
      fd = openSync(path, "a");
      const faults: string[] = [];
      for (let i = 0; i < 40; i++) {
        const words = i % 4 === 0 ? `error ${i}` : `SPF pass ${i}`;
        if (words.startsWith("error")) faults.push(words);
        const line = `Nov 28 12:00:00 h smf-spf[7]: ${words}\n`;
        writeSync(fd, line.slice(0, 20));
        watch.poll();
        writeSync(fd, line.slice(20));
        if (reopensIn > 0 && --reopensIn === 0) {
          closeSync(fd);
          fd = openSync(path, "a");
        }
        watch.poll();
      }
      assert.deepEqual(watch.faults, faults);
      assert.equal(watch.lastLines.at(-1), "SPF pass 39");
      assert.ok(rotations > 1);
      assert.ok(statSync(path).size < 800);
    } finally {
      watch.close();
      if (fd !== undefined) closeSync(fd);
      rmSync(folder, { recursive: true });
    }
  });
});
