import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Engine } from "../../../src/smf-spf/engine.ts";
import { until } from "../../support/child-process.ts";
import { verdictOf } from "../../support/evaluate.ts";
import { type Nameserver, startNameserver } from "../../support/nameserver/index.ts";
import { settingsOf } from "../hardening/filter-bench.ts";

/** After the end of what lives two seconds, and the second of grace. */
const QUIET_MS = 4500;

describe("popular names", { concurrency: true }, () => {
  let server: Nameserver;
  before(async () => {
    server = await startNameserver(
      {
        "*.popular.test": [{ TXT: "v=spf1 include:shared.test -all" }],
        "shared.test": [{ TXT: "v=spf1 ip4:192.0.2.0/24 -all" }],
      },
      { ttlSeconds: 2 },
    );
  });
  after(() => server.close());

  const engineWith = (lines: string): Engine =>
    new Engine(settingsOf(`Nameserver 127.0.0.1:${server.port}\n${lines}`), (error) => {
      throw error;
    });

  const asked = (domain: string): number => server.questions.of(domain, "TXT");

  /** Four messages: one that asks DNS and three that find its verdict, unless the machine stops for a second. */
  async function makePopular(engine: Engine, domain: string): Promise<void> {
    for (let i = 0; i < 4; i++) await verdictOf(engine.evaluatorFor(settingsOf("")), domain);
  }

  it("are asked for when they have ended, with all that they include, and no message waits for them", async () => {
    let engine = engineWith("");
    try {
      let tries = 0;
      await makePopular(engine, "a0.popular.test");
      while (engine.figures().caches.verdicts.misses > 1 && tries < 20) {
        engine.close();
        engine = engineWith("");
        await makePopular(engine, `a${++tries}.popular.test`);
      }
      const isAsked = (): boolean => asked(`a${tries}.popular.test`) > 1 && asked("shared.test") > 1;
      await until("the questions", isAsked);
      const { verdicts } = engine.figures().caches;
      assert.deepEqual([verdicts.renewals, verdicts.misses], [1, 1]);
    } finally {
      engine.close();
    }
  });

  for (const [what, domain, lines, act] of [
    ["with Prefetch off", "b.popular.test", "Prefetch off", () => undefined],
    [
      "after the caches are emptied",
      "c.popular.test",
      "",
      (engine: Engine) => {
        engine.flush();
      },
    ],
    [
      "once another engine is in force",
      "d.popular.test",
      "",
      (engine: Engine) => {
        engine.retire();
      },
    ],
  ] as const) {
    it(`are not asked for ${what}`, async () => {
      const engine = engineWith(lines);
      try {
        await makePopular(engine, domain);
        act(engine);
        const before = asked(domain);
        await delay(QUIET_MS);
        assert.ok(before > 0);
        assert.equal(asked(domain), before);
      } finally {
        engine.close();
      }
    });
  }
});
