import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { checkHost, DEFAULT_INPUT, temperror } from "spf-check";
import { AnswerCache, drive } from "../../../src/dns/index.ts";
import type { Evaluation, Evaluator } from "../../../src/filter/index.ts";
import { VerdictCache } from "../../../src/verdicts/index.ts";
import { evaluate } from "../../support/evaluate.ts";
import type { Nameserver, NameserverOptions, Zone } from "../../support/nameserver/index.ts";
import { Workbench } from "../dns/support.ts";
import { request } from "./support.ts";

const bench = new Workbench();
afterEach(() => bench.close());

const ZONE: Zone = {
  "example.test": [
    { TXT: "v=spf1 include:a.example.test include:b.example.test exists:%{l}.e.example.test -all" },
  ],
  "a.example.test": [{ TXT: "v=spf1 ip4:198.51.100.0/24 -all" }],
  "b.example.test": [{ TXT: "v=spf1 ip4:203.0.113.0/24 -all" }],
  "good.e.example.test": [{ A: "127.0.0.2" }],
  "plain.test": [{ TXT: "v=spf1 include:a.example.test include:b.example.test ip4:192.0.2.0/24 -all" }],
};

/** Everything between a MAIL command and the network, as the daemon puts it together. */
async function wholeWay(
  options: NameserverOptions,
  timeoutMs = 10_000,
): Promise<{
  server: Nameserver;
  cache: VerdictCache;
  verdict: (parts?: Parameters<typeof request>[0]) => Promise<Evaluation>;
}> {
  const { server, resolver } = await bench.pair(ZONE, options, { timeoutMs, tries: 4 });
  const source = new AnswerCache({ source: resolver, entriesMax: 1000 });
  const cache = new VerdictCache({
    ttlSeconds: 3600,
    entriesMax: 1000,
    onError: (error) => assert.fail(String(error)),
    check: (input, done) =>
      drive(
        checkHost({ ...DEFAULT_INPUT, ...input, nowSeconds: 0, hints: true }),
        {
          source,
          onThrow: (error) => temperror(input.domain, String(error)),
        },
        done,
      ),
  });
  const verdict = (parts: Parameters<typeof request>[0] = {}): Promise<Evaluation> =>
    new Promise((resolve) => {
      evaluate(cache, request({ deadlineMs: performance.now() + 60_000, ...parts }), resolve);
    });
  return { server, cache, verdict };
}

const once = (names: readonly string[]): [string, number][] => names.map((name) => [name, 1]);

describe("verdict cache, answer cache and resolver together", () => {
  it("are the evaluator that a filter asks for", async () => {
    const evaluator: Evaluator = (await wholeWay({})).cache;
    const result = await new Promise((resolve) => {
      evaluate(evaluator, request({ domain: "plain.test" }), ({ outcome }) => {
        resolve(outcome.result);
      });
    });
    assert.equal(result, "pass");
  });

  it("look up each record once for 256 messages of one cold domain at the same time", async () => {
    const { server, cache, verdict } = await wholeWay({ delayMs: 10 });
    const verdicts = await Promise.all(
      Array.from({ length: 256 }, (_, i) =>
        verdict({ domain: "plain.test", ip: `192.0.2.${i % 64}`, sender: `s${i}@plain.test` }),
      ),
    );
    assert.ok(verdicts.every(({ outcome }) => outcome.result === "pass"));
    // In no order: each question leaves by a socket of its own.
    assert.deepEqual(
      [...server.questions.list()].sort(),
      once(["TXT a.example.test", "TXT b.example.test", "TXT plain.test"]),
    );
    assert.equal(cache.counters().evaluations, 64);
  });

  it("ask once for what depends on the sender, too, even where nothing may be kept", async () => {
    const { server, verdict } = await wholeWay({ delayMs: 20, ttlSeconds: 0, negativeTtlSeconds: undefined });
    const senders = ["good", "bad", "good", "bad", "good"];
    const verdicts = await Promise.all(senders.map((local) => verdict({ sender: `${local}@example.test` })));
    assert.deepEqual(
      verdicts.map(({ outcome }) => outcome.result),
      senders.map((local) => (local === "good" ? "pass" : "fail")),
    );
    // The first one is followed by all; "bad" then needs an evaluation of its own.
    assert.equal(server.questions.of("good.e.example.test"), 1);
    assert.equal(server.questions.of("bad.e.example.test"), 1);
    assert.equal(server.questions.of("a.example.test"), 2);
  });

  it("answer in the same tick once everything is in memory", async () => {
    const { cache, verdict } = await wholeWay({});
    await verdict({ sender: "good@example.test" });
    const synchronous: string[] = [];
    for (const [ip, sender] of [
      ["192.0.2.1", "good@example.test"],
      ["192.0.2.9", "good@example.test"],
    ] as const) {
      const answer = cache.evaluate(request({ ip, sender }), () => assert.fail("later"));
      assert.ok(!("cancel" in answer));
      synchronous.push(`${answer.outcome.result} ${answer.cached}`);
    }
    assert.deepEqual(synchronous, ["pass true", "pass false"]);
  });

  it("give a temperror at the deadline where the name server is silent, and nothing of it is kept", async () => {
    let silent = true;
    const { verdict } = await wholeWay({ intercept: () => (silent ? "drop" : "normal") }, 600_000);
    const first = await verdict({ domain: "plain.test", deadlineMs: performance.now() + 60 });
    assert.equal(first.outcome.result, "temperror");
    silent = false;
    assert.equal((await verdict({ domain: "plain.test" })).outcome.result, "pass");
  });

  it("keep a slow domain from slowing others", async () => {
    // A burst of so many may lose datagrams.
    const { cache, verdict } = await wholeWay(
      { intercept: ({ name }) => (name.endsWith("slow.test") ? "drop" : "normal") },
      2000,
    );
    const stuck = Array.from({ length: 2000 }, (_, i) =>
      evaluate(
        cache,
        request({ domain: `n${i}.slow.test`, ip: `10.${i >> 8}.${i & 255}.1` }),
        () => undefined,
      ),
    );
    assert.ok(cache.counters().running < 600);
    assert.equal((await verdict({ domain: "plain.test" })).outcome.result, "pass");
    for (const cancel of stuck) cancel();
    assert.deepEqual([cache.counters().running, cache.counters().waiting], [0, 0]);
  });
});
