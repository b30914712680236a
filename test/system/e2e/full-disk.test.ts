/** CacheFile on a disk that is full. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { AnswerCache } from "../../../src/dns/index.ts";
import { CacheFile } from "../../../src/smf-spf/cache-file.ts";

describe("CacheFile on a full disk", () => {
  it("keeps the former file, leaves no half one, tells it once, and writes again when there is room", async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "full-disk-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", directory]);
    t.after(() => {
      execFileSync("umount", [directory]);
      rmSync(directory, { recursive: true });
    });
    const path = join(directory, "cache");
    const told: string[] = [];
    const answers = new AnswerCache({ source: { ask: () => ({ cancel() {} }) }, entriesMax: 100_000 });
    const learn = (from: number, to: number): void => {
      for (let i = from; i < to; i++) {
        answers.restore([`TXT n${i}.test`, "found", ["v=spf1 ip4:192.0.2.0/24 -all"]], 3_600_000);
      }
    };
    const file = new CacheFile({
      path,
      answers,
      verdicts: { *dump() {}, restore: () => false },
      digest: "d",
      wallMs: () => Date.now(),
      tell: (text) => told.push(text),
    });
    await file.load();
    learn(0, 100);
    await file.save();
    const former = readFileSync(path);
    learn(100, 20_000);
    await file.save();
    await file.save();
    assert.match(told.join("\n"), /^CacheFile .* cannot be written: ENOSPC.*$/);
    assert.deepEqual(readFileSync(path), former);
    assert.deepEqual(readdirSync(directory), ["cache"]);
    answers.setLimits({ entriesMax: 500 });
    await file.save();
    assert.notDeepEqual(readFileSync(path), former);
  });
});
