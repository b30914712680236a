import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { AnswerCache } from "../../../src/dns/index.ts";
import { CacheFile } from "../../../src/smf-spf/cache-file.ts";
import { until } from "./installed.ts";

const ENTRIES = 20_000;
const WRITER = join(import.meta.dirname, "cache-file-writer.ts");

it("is whole after kill -9 at any moment of a write", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "cache-file-"));
  t.after(() => {
    rmSync(directory, { recursive: true });
  });
  const path = join(directory, "cache");
  let killedInside = 0;
  for (const afterMs of [0, 15, 40, 80]) {
    const writer = spawn(process.execPath, ["--import", "tsx", WRITER, path, String(ENTRIES)], {
      stdio: "inherit",
    });
    rmSync(`${path}.new`, { force: true });
    await until("the first file", () => existsSync(path));
    await until("the next", () => existsSync(`${path}.new`));
    await delay(afterMs);
    writer.kill("SIGKILL");
    await new Promise((resolve) => writer.once("close", resolve));
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
