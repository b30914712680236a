import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openLogFile } from "../../../src/logging/file-sink.ts";
import { withFolder } from "./samples.ts";

describe("openLogFile", () => {
  it("makes a file that others cannot read, and appends to one that is there", () =>
    withFolder((folder) => {
      const path = join(folder, "spf.log");
      for (const text of ["a\n", "b\n"]) {
        const fd = openLogFile(path, undefined);
        writeSync(fd, text);
        closeSync(fd);
      }
      assert.equal(readFileSync(path, "utf8"), "a\nb\n");
      assert.equal(statSync(path).mode & 0o137, 0);
    }));

  it(
    "gives a new file to the owner named",
    { skip: process.getuid?.() !== 0 && "only root can give files away" },
    () =>
      withFolder((folder) => {
        const path = join(folder, "spf.log");
        closeSync(openLogFile(path, { uid: 12345, gid: 23456 }));
        assert.equal(statSync(path).uid, 12345);
        assert.equal(statSync(path).gid, 23456);
        closeSync(openLogFile(path, { uid: 1, gid: 1 }));
        assert.equal(statSync(path).uid, 12345);
      }),
  );

  const refused: [string, (path: string, folder: string) => void, RegExp][] = [
    [
      "a symbolic link",
      (path, folder) => {
        writeFileSync(join(folder, "other"), "");
        symlinkSync(join(folder, "other"), path);
      },
      /symbolic link/,
    ],
    [
      "a dangling symbolic link",
      (path, folder) => {
        symlinkSync(join(folder, "none"), path);
      },
      /symbolic link/,
    ],
    [
      "a hard link",
      (path, folder) => {
        writeFileSync(join(folder, "other"), "");
        linkSync(join(folder, "other"), path);
      },
      /hard link/,
    ],
    [
      "a folder",
      (path) => {
        mkdirSync(path);
      },
      /: is a directory$/,
    ],
    [
      "a folder that is missing",
      (_path, folder) => {
        rmdirSync(folder);
      },
      /: its directory does not exist$/,
    ],
    [
      "a FIFO without a reader",
      (path) => {
        execFileSync("mkfifo", [path]);
      },
      /FIFO that nobody reads/,
    ],
  ];
  for (const [what, make, reason] of refused) {
    it(`refuses ${what}, with path and reason`, () =>
      withFolder((folder) => {
        const path = join(folder, "spf.log");
        make(path, folder);
        assert.throws(
          () => openLogFile(path, undefined),
          (error: Error) => {
            assert.ok(error.message.includes(path));
            assert.match(error.message, reason);
            return true;
          },
        );
      }));
  }
});
