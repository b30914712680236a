import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import type { Evaluation } from "../../../src/filter/index.ts";
import { Engine } from "../../../src/smf-spf/engine.ts";
import { verdictOf } from "../../support/evaluate.ts";
import { type Nameserver, startNameserver } from "../../support/nameserver/index.ts";
import { settingsOf } from "./filter-bench.ts";

const SOURCES = join(import.meta.dirname, "../../../src");
/** Who may ask for the time of day: for heads of lines, %{t}, times that people read, and lives that hosts share. */
const TIME_OF_DAY =
  /^(smf-spf\/(engine|daemon|privileged-start|shared-cache|status-page|why)|status\/.*|spfquery\/.*|spfreport\/.*)\.ts$/;
const YEAR_MS = 365 * 24 * 3600 * 1000;
const realNow = Date.now;

describe("a clock that jumps", () => {
  let server: Nameserver;
  let engine: Engine;

  before(async () => {
    server = await startNameserver({ "*.test": [{ TXT: "v=spf1 ip4:192.0.2.0/24 -all" }] });
    engine = new Engine(settingsOf(`Nameserver 127.0.0.1:${server.port}`), (error) => {
      throw error;
    });
  });
  afterEach(() => {
    Date.now = realNow;
  });
  after(async () => {
    engine.close();
    await server.close();
  });

  const verdict = (domain: string): Promise<Evaluation> =>
    verdictOf(engine.evaluatorFor(settingsOf("")), domain);

  for (const [way, jumpMs] of [
    ["forward", YEAR_MS],
    ["back", -YEAR_MS],
  ] as const) {
    it(`${way} changes no verdict, ends no wait and no life in a cache`, async () => {
      const domain = `${way}.example.test`;
      assert.equal((await verdict(domain)).outcome.result, "pass");
      Date.now = () => realNow() + jumpMs;
      assert.equal((await verdict(domain)).cached, true);
      const { outcome, cached } = await verdict(`x.${domain}`);
      assert.deepEqual([outcome.result, cached], ["pass", false]);
    });
  }

  it("is asked for by nobody who measures a time", () => {
    const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((f) =>
      f.endsWith(".ts"),
    );
    assert.ok(files.length > 50);
    const asking = files.filter((file) => /\bDate\b/.test(readFileSync(join(SOURCES, file), "utf8")));
    const measuring = asking.filter((file) => !TIME_OF_DAY.test(file) && !file.startsWith("logging/"));
    assert.deepEqual(measuring, []);
  });
});
