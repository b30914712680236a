import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import type { Evaluation } from "../../../src/filter/index.ts";
import { Engine } from "../../../src/smf-spf/engine.ts";
import { verdictOf } from "../../support/evaluate.ts";
import { startNameserver } from "../../support/nameserver/index.ts";
import { settingsOf } from "../hardening/filter-bench.ts";

it("serves the first message after a restart from memory, and only answers after a change of rules", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "cache-file-"));
  const server = await startNameserver({
    "a.test": [{ TXT: "v=spf1 include:b.test -all" }],
    "b.test": [{ TXT: "v=spf1 ip4:192.0.2.0/24 -all" }],
  });
  t.after(async () => {
    rmSync(directory, { recursive: true });
    await server.close();
  });
  const told: string[] = [];
  /** One life of the daemon: the verdict on a.test, and how many questions it took. */
  const run = async (options: string): Promise<[Evaluation["outcome"]["result"], boolean, number]> => {
    const settings = settingsOf(`Nameserver 127.0.0.1:${server.port}\n${options}`);
    const engine = new Engine(settings, (error) => assert.fail(String(error)));
    const file = engine.cacheFile(join(directory, "cache"), (text) => told.push(text));
    await file.load();
    server.resetCounts();
    const { outcome, cached } = await verdictOf(engine.evaluatorFor(settings), "a.test");
    await file.save();
    engine.close();
    return [outcome.result, cached, server.questions.total];
  };
  assert.deepEqual(await run(""), ["pass", false, 2]);
  assert.deepEqual(await run(""), ["pass", true, 0]);
  assert.deepEqual(await run("LookupLimit 9"), ["pass", false, 0]);
  assert.deepEqual(await run("SPFRules ip4:198.51.100.1"), ["pass", false, 0]);
  assert.ok(told.every((text) => text.endsWith("entries read")));
});
