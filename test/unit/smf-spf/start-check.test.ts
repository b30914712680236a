import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { checkStart } from "../../../src/smf-spf/config-check.ts";
import { settingsOf } from "../config/reading.ts";

describe("checkStart", () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "start-check-"));
    mkdirSync(join(directory, "run"), { mode: 0o755 });
    writeFileSync(join(directory, "file"), "");
    symlinkSync("file", join(directory, "run", "link"));
    mkdirSync(join(directory, "run", "directory"));
    for (const [name, mode, octets] of [
      ["key", 0o640, 64],
      ["open-key", 0o644, 64],
      ["short-key", 0o600, 31],
      ["writable-key", 0o660, 64],
    ] as const) {
      writeFileSync(join(directory, name), `${"k".repeat(octets)}\n`, { mode: 0o600 });
      chmodSync(join(directory, name), mode);
    }
  });
  after(() => {
    rmSync(directory, { recursive: true });
  });

  for (const [lines, expected] of [
    ["CacheFile @/run/cache", undefined],
    ["CacheFile @/none/run/cache", /directory .*none\/run does not exist and cannot be made/],
    ["CacheFile @/file/cache", /file is not a directory/],
    ["CacheFile @/run/link", /link exists and is not a regular file/],
    ["CacheFile @/run/directory", /directory exists and is not a regular file/],
    ["SharedCache rediss://a?ca=@/file\nSharedCacheKey file:@/key", undefined],
    ["SharedCache rediss://a?ca=@/no.pem\nSharedCacheKey file:@/key", /no\.pem does not exist/],
    ["SharedCache rediss://a?ca=@/run\nSharedCacheKey file:@/key", /run is not a file/],
    ["SharedCache redis://a\nSharedCacheKey file:@/key", undefined],
    [
      "SharedCache redis://a\nSharedCacheKey file:@/no-key",
      /does not exist: make it with "openssl rand -base64 48"/,
    ],
    ["SharedCache redis://a\nSharedCacheKey file:@/open-key", /is open to others: chmod 640/],
    ["SharedCache redis://a\nSharedCacheKey file:@/writable-key", /is open to others: chmod 640/],
    ["SharedCache redis://a\nSharedCacheKey file:@/short-key", /has 31 octets; a key has at least 32/],
    ["SharedCache redis://a\nSharedCacheKey file:@/run", /is not a file/],
  ] as const) {
    it(`${lines.replace("\n", ", ")}: ${expected === undefined ? "well" : String(expected)}`, () => {
      const places = "Socket unix:@/run/s\nPidFile @/run/pid\n";
      const problems = checkStart(settingsOf(`${places}${lines}\n`.replaceAll("@", directory)));
      assert.equal(problems.length, expected === undefined ? 0 : 1);
      if (expected !== undefined) assert.match(problems[0]?.reason ?? "", expected);
      assert.ok(problems.every(({ key, isWarning }) => isWarning === (key === "cacheFile")));
    });
  }
});
