import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { FileSink, openLogFile } from "../../../src/logging/file-sink.ts";
import { linesOf, until, withFolder } from "./samples.ts";

const sinkOf = (open: () => number): FileSink =>
  new FileSink({ open, owned: true, head: (level) => `${level}: `, formatOwn: (_level, text) => text });

describe("FileSink", () => {
  it("writes every line with its head, in order, before close() ends", () =>
    withFolder(async (folder) => {
      const path = join(folder, "log");
      const sink = sinkOf(() => openLogFile(path, undefined));
      const expected = Array.from({ length: 1000 }, (_, i) => `line ${i}`);
      for (const line of expected) sink.write("info", line);
      await sink.close();
      assert.deepEqual(
        linesOf(path),
        expected.map((line) => `info: ${line}`),
      );
    }));

  it("reopen() goes on in a new file after rotation", () =>
    withFolder(async (folder) => {
      const path = join(folder, "log");
      const sink = sinkOf(() => openLogFile(path, undefined));
      sink.write("info", "old");
      await until("the first line", () => linesOf(path).length === 1);
      renameSync(path, `${path}.1`);
      assert.equal(sink.reopen(), undefined);
      sink.write("info", "new");
      await sink.close();
      assert.deepEqual([linesOf(`${path}.1`), linesOf(path)], [["info: old"], ["info: new"]]);
    }));

  it("reopen() keeps the old file and says why when the new one cannot be opened", () =>
    withFolder(async (folder) => {
      const path = join(folder, "log");
      let target = path;
      const sink = sinkOf(() => openLogFile(target, undefined));
      target = join(folder, "missing", "log");
      assert.match(sink.reopen() ?? "", /missing\/log cannot be opened: its directory does not exist/);
      sink.write("info", "still here");
      await sink.close();
      assert.deepEqual(linesOf(path), ["info: still here"]);
    }));

  it(
    "counts what a full disk takes, and tells it once there is room",
    { skip: !existsSync("/dev/full") && "needs /dev/full" },
    () =>
      withFolder(async (folder) => {
        const path = join(folder, "log");
        let target = "/dev/full";
        const sink = sinkOf(() => openLogFile(target, undefined));
        for (let i = 0; i < 5; i++) sink.write("info", `lost ${i}`);
        await until("the losses", () => sink.lost === 5);
        target = path;
        assert.equal(sink.reopen(), undefined);
        sink.write("info", "kept");
        await until("the report", () => linesOf(path).length === 2);
        const [kept, report] = linesOf(path);
        assert.equal(kept, "info: kept");
        assert.match(report ?? "", /^warning: log: 5 lines were lost \(no space left/);
      }),
  );

  it("waits for a reader that does not read, without holding up the writer, and loses nothing", () =>
    withFolder(async (folder) => {
      const path = join(folder, "fifo");
      execFileSync("mkfifo", [path]);
      const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const sink = sinkOf(() => openLogFile(path, undefined));
      const expected = Array.from({ length: 2000 }, (_, i) => `${i} ${"x".repeat(90)}`);
      for (const line of expected) sink.write("info", line);
      let text = "";
      const buffer = Buffer.alloc(65_536);
      await until("all lines", () => {
        try {
          text += buffer.toString("latin1", 0, readSync(reader, buffer));
        } catch {
          // Nothing there yet.
        }
        return text.split("\n").length > 2000;
      });
      await sink.close();
      closeSync(reader);
      assert.deepEqual(
        text.split("\n").slice(0, 2000),
        expected.map((line) => `info: ${line}`),
      );
    }));

  it("drops lines and goes on when its reader has gone", () =>
    withFolder(async (folder) => {
      const path = join(folder, "fifo");
      execFileSync("mkfifo", [path]);
      const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const sink = sinkOf(() => openLogFile(path, undefined));
      closeSync(reader);
      sink.write("info", "to nobody");
      await until("the loss", () => sink.lost === 1);
      const next = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      sink.reopen();
      sink.write("info", "to somebody");
      const buffer = Buffer.alloc(4096);
      let text = "";
      await until("the report", () => {
        try {
          text += buffer.toString("latin1", 0, readSync(next, buffer));
        } catch {
          // Nothing there yet.
        }
        return text.split("\n").length > 2;
      });
      await sink.close();
      closeSync(next);
      assert.match(text, /^info: to somebody\nwarning: log: 1 line was lost \(its reader is gone/);
    }));
});
