import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { AnswerCache } from "../../../src/dns/index.ts";
import { CacheFile } from "../../../src/smf-spf/cache-file.ts";
import { exitOf, until } from "../../support/child-process.ts";

const ENTRIES = 20_000;
const MOMENTS_MS = [0, 15, 40, 80];
const WRITER = join(import.meta.dirname, "cache-file-writer.ts");

it("is whole after kill -9 at any moment of a write", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "cache-file-"));
  let writer: ChildProcess | undefined;
  t.after(() => {
    writer?.kill("SIGKILL");
    rmSync(directory, { recursive: true });
  });
  const path = join(directory, "cache");
  let killedInside = 0;
  // Each of these moments once; then, where the disk is so quick that none was inside a write, until one is.
  for (let kills = 0; kills < MOMENTS_MS.length || (killedInside === 0 && kills < 40); kills++) {
    writer = spawn(process.execPath, ["--import", "tsx", WRITER, path, String(ENTRIES)], {
      stdio: "inherit",
    });
    const over = exitOf(writer);
    rmSync(`${path}.new`, { force: true });
    await until("the first file", () => existsSync(path));
    await until("the next", () => existsSync(`${path}.new`));
    await delay(MOMENTS_MS[kills % MOMENTS_MS.length]);
    writer.kill("SIGKILL");
    assert.equal(await over, null);
    if (existsSync(`${path}.new`)) killedInside++;
    const told: string[] = [];
    const empty = { *dump() {}, restore: () => false };
    const answers = new AnswerCache({ source: { ask: () => ({ cancel() {} }) }, entriesMax: ENTRIES });
    const options = { path, answers, verdicts: empty, digest: "d", wallMs: () => Date.now() };
    await new CacheFile({ ...options, tell: (text) => told.push(text) }).load();
    assert.deepEqual(told, [`CacheFile ${path}: ${ENTRIES} entries read`]);
    assert.ok(!readdirSync(directory).includes("cache.bad"));
  }
  assert.ok(killedInside > 0, "no kill met a write");
});
