import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Outcome, SenderMacro } from "spf-check";
import type { Evaluation } from "../../../src/filter/index.ts";
import { VerdictCache, type VerdictCacheOptions, type VerdictInput } from "../../../src/verdicts/index.ts";
import { until } from "../../support/child-process.ts";
import { evaluate } from "../../support/evaluate.ts";
import { keepingAlive, outcome, PendingChecks, request } from "./support.ts";

class Fixture {
  nowMs = 1000;
  readonly checks = new PendingChecks();
  readonly errors: unknown[] = [];
  readonly popular: { readonly expiresMs: number; readonly renew: () => void }[] = [];
  readonly cache: VerdictCache;

  constructor(options: Partial<VerdictCacheOptions> = {}) {
    this.cache = new VerdictCache({
      check: this.checks.check,
      ttlSeconds: 3600,
      entriesMax: 1000,
      nowMs: () => this.nowMs,
      onError: (error) => this.errors.push(error),
      onPopular: (expiresMs, renew) => this.popular.push({ expiresMs, renew }),
      ...options,
    });
  }

  evaluate(parts: Parameters<typeof request>[0] = {}): { verdicts: Evaluation[]; cancel: () => void } {
    const verdicts: Evaluation[] = [];
    const cancel = evaluate(this.cache, request(parts), (verdict) => verdicts.push(verdict));
    return { verdicts, cancel };
  }

  /** Evaluates, and lets this be the outcome. */
  learn(given: Outcome, parts: Parameters<typeof request>[0] = {}): void {
    this.evaluate(parts);
    this.checks.answer(given);
  }
}

const gist = ({ verdicts }: { verdicts: readonly Evaluation[] }): string =>
  verdicts.map(({ outcome: { result }, cached }) => result + (cached ? " cached" : "")).join();

describe("VerdictCache", () => {
  it("evaluates once and then answers from memory, before evaluate returns", () => {
    const fixture = new Fixture();
    const first = fixture.evaluate();
    assert.equal(gist(first), "");
    fixture.nowMs += 12;
    fixture.checks.answer(outcome());
    assert.deepEqual([gist(first), first.verdicts[0]?.elapsedMs], ["pass", 12]);
    const second = fixture.evaluate({ sender: "other@example.test", helo: "other" });
    assert.deepEqual([gist(second), second.verdicts[0]?.elapsedMs], ["pass cached", 0]);
    assert.equal(fixture.checks.all.length, 1);
  });

  it("keeps clients, domains and receivers apart", () => {
    const fixture = new Fixture();
    fixture.learn(outcome());
    for (const parts of [
      { ip: "192.0.2.2" },
      { ip: "2001:db8::1" },
      { domain: "example.tes" },
      { receiver: "mx2.example.org" },
      { domain: "example.testm", receiver: "x.example.org" },
    ]) {
      assert.equal(gist(fixture.evaluate(parts)), "", JSON.stringify(parts));
    }
  });

  it("lives as long as the TTL option and the TTLs of DNS both allow", () => {
    const cases: [number, number, number][] = [
      [3600, 60, 60],
      [30, 60, 30],
      [30, Number.POSITIVE_INFINITY, 30],
    ];
    for (const [ttlSeconds, dnsTtl, life] of cases) {
      const fixture = new Fixture({ ttlSeconds });
      fixture.learn(outcome({ ttlSeconds: dnsTtl }));
      fixture.nowMs += life * 1000 - 1;
      assert.equal(gist(fixture.evaluate()), "pass cached");
      fixture.nowMs += 1;
      assert.equal(gist(fixture.evaluate()), "");
    }
  });

  it("lives no longer than an answer that came when the evaluation began", () => {
    const fixture = new Fixture();
    fixture.evaluate();
    fixture.nowMs += 15_000;
    fixture.checks.answer(outcome({ ttlSeconds: 20 }));
    fixture.nowMs += 4_999;
    assert.equal(gist(fixture.evaluate()), "pass cached");
    fixture.nowMs += 1;
    assert.equal(gist(fixture.evaluate()), "");
    fixture.nowMs += 20_000;
    fixture.checks.answer(outcome({ ttlSeconds: 20 }));
    assert.equal(gist(fixture.evaluate()), "");
  });

  it("counts its life from the evaluation, not from the wait for a turn", () => {
    const fixture = new Fixture({ runningMax: 1 });
    fixture.evaluate({ domain: "slow.test" });
    fixture.evaluate();
    fixture.nowMs += 15_000;
    fixture.checks.answer(outcome({ ttlSeconds: 0 }));
    fixture.checks.answer(outcome({ ttlSeconds: 10 }));
    assert.equal(gist(fixture.evaluate()), "pass cached");
  });

  const notKept: [string, Outcome, Partial<VerdictCacheOptions>][] = [
    ["a temperror", outcome({ result: "temperror" }), {}],
    ["a temperror of local rules", outcome({ local: { result: "temperror", mechanism: "a" } }), {}],
    ["an outcome of TTL 0", outcome({ ttlSeconds: 0 }), {}],
    ["anything where the TTL option is 0", outcome(), { ttlSeconds: 0 }],
    ["anything where CacheSize is 0", outcome(), { entriesMax: 0 }],
  ];
  for (const [what, given, options] of notKept) {
    it(`does not keep ${what}`, () => {
      const fixture = new Fixture(options);
      fixture.learn(given);
      assert.equal(gist(fixture.evaluate()), "");
      assert.equal(fixture.cache.counters().entries, 0);
    });
  }

  const widened: [readonly SenderMacro[], string, string, boolean][] = [
    [["l"], "a@x.test", "h", true],
    [["l"], "b@example.test", "h", false],
    [["o"], "b@example.test", "h", true],
    [["o"], "a@x.test", "h", false],
    [["s"], "a@example.test", "other", true],
    [["s"], "a@x.test", "h", false],
    [["h"], "b@x.test", "h", true],
    [["h"], "a@example.test", "other", false],
    [["l", "h"], "a@x.test", "h", true],
    [["l", "h"], "a@x.test", "other", false],
    [["l"], '"a@b"@example.test', "h", false],
  ];
  for (const [macrosRead, sender, helo, hit] of widened) {
    it(`${hit ? "hits" : "misses"} for ${sender} ${helo} after a@example.test h has read ${macrosRead.join("")}`, () => {
      const fixture = new Fixture();
      fixture.learn(outcome({ macrosRead }), { sender: "a@example.test", helo: "h" });
      assert.equal(gist(fixture.evaluate({ sender, helo })), hit ? "pass cached" : "");
      assert.equal(gist(fixture.evaluate({ sender: "a@example.test", helo: "h" })), "pass cached");
    });
  }

  it("keeps verdicts apart that have read different macros of one domain", () => {
    const fixture = new Fixture();
    fixture.learn(outcome({ macrosRead: ["l"] }), { sender: "a@example.test", helo: "x" });
    fixture.learn(outcome({ macrosRead: ["l", "h"], result: "fail" }), {
      sender: "b@example.test",
      helo: "x",
    });
    fixture.learn(outcome({ macrosRead: ["l", "h"], result: "neutral" }), {
      sender: "b@example.test",
      helo: "y",
    });
    const verdict = (sender: string, helo: string): string => gist(fixture.evaluate({ sender, helo }));
    assert.equal(verdict("a@example.test", "z"), "pass cached");
    assert.equal(verdict("b@example.test", "x"), "fail cached");
    assert.equal(verdict("b@example.test", "y"), "neutral cached");
    assert.equal(verdict("b@example.test", "z"), "");
  });

  it("never makes one text pass for another", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "1", " ", "@", "s", "l"), maxLength: 6 });
    const input = fc.record({ domain: text, sender: text, helo: text, receiver: text });
    const macros = fc.subarray<SenderMacro>(["s", "l", "o", "h"]);
    fc.assert(
      fc.property(input, input, macros, (one, two, macrosRead) => {
        fc.pre(one.domain !== two.domain || one.receiver !== two.receiver);
        const fixture = new Fixture();
        fixture.learn(outcome({ macrosRead }), one);
        fixture.learn(outcome({ macrosRead, result: "fail" }), two);
        assert.equal(gist(fixture.evaluate(one)), "pass cached");
        assert.equal(gist(fixture.evaluate(two)), "fail cached");
      }),
      { seed: 7208, numRuns: 500 },
    );
  });

  it("keeps the memory of large records within bounds", () => {
    const fixture = new Fixture({ entriesMax: 100_000, octetsMax: 1_000_000 });
    for (let i = 0; i < 100; i++) {
      fixture.learn(outcome({ problem: "x".repeat(10_000) }), { domain: `d${i}.test` });
    }
    assert.equal(fixture.cache.counters().entries, 95);
  });

  it("has room for as many as CacheSize says: what was used longest ago goes, and is counted", () => {
    const fixture = new Fixture({ entriesMax: 3 });
    const learn = (n: number): void => {
      fixture.learn(outcome(), { domain: `d${n}.test` });
    };
    for (const n of [1, 2, 3]) learn(n);
    fixture.evaluate({ domain: "d1.test" });
    for (const n of [4, 5]) learn(n);
    const known = [1, 2, 3, 4, 5].map((n) => gist(fixture.evaluate({ domain: `d${n}.test` })));
    assert.deepEqual(known, ["pass cached", "", "", "pass cached", "pass cached"]);
    const { entries, evictions } = fixture.cache.counters();
    assert.deepEqual([entries, evictions], [3, 2]);
  });

  it("does not keep what is over 16 KB, so that a few hundred of it cannot flush the rest", () => {
    const fixture = new Fixture();
    fixture.learn(outcome(), { domain: "small.test" });
    const path = Array.from({ length: 11 }, (_, i) => ({
      domain: `d${i}.test`,
      term: `redirect=${"x".repeat(6000)}`,
    }));
    for (let i = 0; i < 200; i++) fixture.learn(outcome({ path }), { domain: `d${i}.test` });
    assert.equal(gist(fixture.evaluate({ domain: "small.test" })), "pass cached");
    assert.equal(fixture.cache.counters().entries, 1);
  });
});

describe("evaluate, joining", () => {
  it("tells one that has left nothing, not even that its time is over", async () => {
    const fixture = new Fixture();
    const asked = fixture.evaluate({ deadlineMs: fixture.nowMs + 20 });
    const other = fixture.evaluate({ deadlineMs: fixture.nowMs + 40 });
    asked.cancel();
    await until("the other's time", () => other.verdicts.length > 0);
    assert.equal(gist(other), "temperror");
    assert.deepEqual(asked.verdicts, []);
  });

  it("keeps what was used last when its bounds change, and nothing longer than the new TTL", () => {
    const fixture = new Fixture();
    const known = (n: number): string => {
      const asked = fixture.evaluate({ domain: `d${n}.test` });
      asked.cancel();
      return gist(asked);
    };
    for (const n of [1, 2, 3]) fixture.learn(outcome(), { domain: `d${n}.test` });
    known(1);
    fixture.cache.setLimits({ ttlSeconds: 60, entriesMax: 2 });
    assert.deepEqual([known(1), known(2), known(3)], ["pass cached", "", "pass cached"]);
    fixture.nowMs += 59_999;
    assert.equal(known(1), "pass cached");
    fixture.nowMs += 1;
    assert.equal(known(1), "");
    fixture.learn(outcome(), { domain: "d4.test" });
    fixture.cache.setLimits({ ttlSeconds: 3600, entriesMax: 2 });
    assert.equal(known(4), "pass cached");
    fixture.nowMs += 60_000;
    assert.equal(known(4), "", "a longer TTL is for the verdicts that come");
    fixture.learn(outcome(), { domain: "d5.test" });
    fixture.cache.setLimits({ ttlSeconds: 0, entriesMax: 2 });
    assert.equal(known(5), "");
    assert.equal(fixture.cache.counters().entries, 0);
  });

  it("does not keep the verdict of an evaluation that began before it was emptied", () => {
    const fixture = new Fixture();
    const { verdicts } = fixture.evaluate();
    fixture.nowMs += 10;
    fixture.cache.setLimits({ ttlSeconds: 3600, entriesMax: 0 });
    fixture.cache.setLimits({ ttlSeconds: 3600, entriesMax: 1000 });
    fixture.checks.answer(outcome());
    assert.equal(verdicts.length, 1, "whoever waits gets it");
    assert.equal(fixture.cache.counters().entries, 0);
  });

  it("serves equal requests with one evaluation", () => {
    const fixture = new Fixture({ ttlSeconds: 0 });
    const all = [fixture.evaluate(), fixture.evaluate(), fixture.evaluate()];
    assert.equal(fixture.checks.all.length, 1);
    fixture.checks.answer(outcome({ result: "temperror", macrosRead: ["s", "h"] }));
    assert.deepEqual(all.map(gist), ["temperror", "temperror", "temperror"]);
    assert.equal(fixture.cache.counters().joined, 2);
  });

  it("serves other senders with it where it has read nothing of the sender", () => {
    const fixture = new Fixture({ ttlSeconds: 0 });
    const all = ["a", "b", "c"].map((local) => fixture.evaluate({ sender: `${local}@example.test` }));
    assert.equal(fixture.checks.all.length, 1);
    fixture.checks.answer(outcome());
    assert.deepEqual(all.map(gist), ["pass", "pass", "pass"]);
    const { evaluations, joined, misses } = fixture.cache.counters();
    assert.deepEqual({ evaluations, joined, misses }, { evaluations: 1, joined: 2, misses: 3 });
  });

  it("evaluates other senders on their own where it has, all at once", () => {
    const fixture = new Fixture();
    const senders = ["a@example.test", "b@example.test", "c@example.test", "b@example.test", "a@other.test"];
    const all = senders.map((sender) => fixture.evaluate({ sender }));
    assert.equal(fixture.checks.all.length, 1);
    fixture.checks.answer(outcome({ macrosRead: ["l"] }));
    // The last one has the same local part.
    assert.deepEqual(all.map(gist), ["pass", "", "", "", "pass cached"]);
    assert.equal(fixture.checks.open, 2);
    fixture.checks.answer(outcome({ macrosRead: ["l"], result: "fail" }));
    fixture.checks.answer(outcome({ macrosRead: ["l"], result: "softfail" }));
    assert.deepEqual(all.map(gist), ["pass", "fail", "softfail", "fail", "pass cached"]);
    // Now that it is known, nobody waits for another's evaluation.
    fixture.evaluate({ sender: "d@example.test" });
    fixture.evaluate({ sender: "e@example.test" });
    assert.equal(fixture.checks.open, 2);
  });

  it("goes on for those that remain, and stops with the last", () => {
    const fixture = new Fixture();
    const leader = fixture.evaluate({ sender: "a@example.test" });
    const follower = fixture.evaluate({ sender: "b@example.test" });
    leader.cancel();
    leader.cancel();
    assert.equal(fixture.checks.cancelled.length, 0);
    fixture.checks.answer(outcome());
    assert.deepEqual([gist(leader), gist(follower)], ["", "pass"]);
    const alone = fixture.evaluate({ domain: "b.test" });
    alone.cancel();
    assert.equal(fixture.checks.cancelled.length, 1);
    assert.equal(fixture.cache.counters().running, 0);
  });

  it("serves the others where one throws, and tells it", () => {
    const fixture = new Fixture();
    evaluate(fixture.cache, request(), () => {
      throw new Error("bug");
    });
    const other = fixture.evaluate();
    fixture.checks.answer(outcome());
    assert.equal(gist(other), "pass");
    assert.match(String(fixture.errors), /bug/);
  });

  it("holds each to the own deadline", async () => {
    const checks = new PendingChecks();
    const cache = new VerdictCache({
      check: checks.check,
      ttlSeconds: 60,
      entriesMax: 10,
      onError: (error) => assert.fail(String(error)),
    });
    const patient: Evaluation[] = [];
    const hasty = await keepingAlive(
      new Promise<Evaluation>((resolve) => {
        evaluate(cache, request({ deadlineMs: performance.now() + 600_000 }), (verdict) =>
          patient.push(verdict),
        );
        evaluate(cache, request({ deadlineMs: performance.now() + 20 }), resolve);
      }),
    );
    assert.deepEqual(
      [hasty.outcome.result, hasty.outcome.problem, hasty.cached],
      ["temperror", "out of time for the SPF evaluation", false],
    );
    assert.equal(checks.cancelled.length, 0);
    checks.answer(outcome());
    assert.equal(patient.length, 1);
    const late: Evaluation[] = [];
    evaluate(cache, request({ domain: "b.test", deadlineMs: 0 }), (verdict) => late.push(verdict));
    assert.equal(late[0]?.outcome.result, "temperror");
    assert.equal(cache.counters().timeouts, 2);
  });
});

describe("evaluate, out of time with a published result that is known", () => {
  const known = (macrosRead: readonly SenderMacro[]): Outcome => ({
    ...outcome(),
    result: "fail",
    macrosRead: new Set(macrosRead),
  });
  const rows: readonly [sender: string, macrosRead: readonly SenderMacro[], result: string][] = [
    ["user@example.test", [], "fail"],
    ["user@example.test", ["l"], "fail"],
    ["other@example.test", [], "fail"],
    ["other@example.test", ["l"], "temperror"],
  ];
  for (const [sender, macrosRead, result] of rows) {
    it(`is ${result} for ${sender} beside user@example.test after ${macrosRead.join("") || "no"} macros`, async () => {
      const cache = new VerdictCache({
        check: () => ({ known: known(macrosRead), cancel: () => undefined }),
        ttlSeconds: 60,
        entriesMax: 10,
        onError: (error) => assert.fail(String(error)),
      });
      const deadlineMs = performance.now() + 600_000;
      evaluate(cache, request({ sender: "user@example.test", deadlineMs }), () => assert.fail("too early"));
      const hasty = await keepingAlive(
        new Promise<Evaluation>((resolve) => {
          evaluate(cache, request({ sender, deadlineMs: performance.now() + 20 }), resolve);
        }),
      );
      assert.deepEqual([hasty.outcome.result, hasty.cached], [result, false]);
      assert.equal(cache.counters().entries, 0);
    });
  }
});

describe("evaluate, fairness", () => {
  const limits = { runningMax: 16, waitingMax: 20 };

  it("lets one network and one domain have an eighth, and all others past it", () => {
    const fixture = new Fixture(limits);
    for (let i = 0; i < 10; i++) fixture.evaluate({ ip: `192.0.2.${i}`, domain: `t${i}.slow.test` });
    assert.equal(fixture.checks.open, 2);
    for (const parts of [
      { ip: "192.0.2.77", domain: "quick.test" },
      { ip: "198.51.100.1", domain: "slow.test" },
    ]) {
      const other = fixture.evaluate(parts);
      fixture.checks.answer(outcome(), 2);
      assert.equal(gist(other), "pass");
    }
    assert.deepEqual([fixture.cache.counters().running, fixture.cache.counters().waiting], [2, 8]);
  });

  it("lets a network have a half, whatever its domains, and a domain, whoever asks", () => {
    const network = new Fixture(limits);
    for (let i = 0; i < 12; i++) network.evaluate({ ip: `192.0.2.${i}`, domain: `t.slow${i}.test` });
    assert.equal(network.checks.open, 8);
    const domain = new Fixture(limits);
    for (let i = 0; i < 12; i++) domain.evaluate({ ip: `10.0.${i}.1`, domain: `t${i}.slow.test` });
    assert.equal(domain.checks.open, 8);
  });

  it("evaluates those that waited in their turn, or takes what has come into memory meanwhile", () => {
    const fixture = new Fixture({ runningMax: 1 });
    fixture.evaluate({ domain: "a.test" });
    const follower = fixture.evaluate({ domain: "b.test", sender: "x@b.test" });
    fixture.checks.answer(outcome());
    fixture.checks.answer(outcome({ macrosRead: ["l"], result: "fail" }));
    assert.equal(gist(follower), "fail");
    const [one, two] = ["y", "z"].map((local) =>
      fixture.evaluate({ domain: "b.test", sender: `${local}@b.test`, helo: local }),
    );
    const three = fixture.evaluate({ domain: "b.test", sender: "z@b.test", helo: "other" });
    fixture.checks.answer(outcome({ macrosRead: ["l"], result: "softfail" }));
    fixture.checks.answer(outcome({ macrosRead: ["l"], result: "neutral" }));
    assert.deepEqual(
      [one, two, three].map((each) => gist(each!)),
      ["softfail", "neutral", "neutral cached"],
    );
    assert.equal(fixture.checks.open, 0);
  });

  it("is a temperror at once where too many wait", () => {
    const fixture = new Fixture({ runningMax: 1, waitingMax: 1 });
    fixture.evaluate({ domain: "a.test" });
    const waiting = fixture.evaluate({ domain: "b.test" });
    const refused = fixture.evaluate({ domain: "c.test" });
    assert.deepEqual(
      [gist(refused), refused.verdicts[0]?.outcome.problem, refused.verdicts[0]?.outcome.failure],
      ["temperror", "too many SPF evaluations at once", "overload"],
    );
    fixture.checks.answer(outcome());
    fixture.checks.answer(outcome());
    assert.equal(gist(waiting), "pass");
    assert.equal(fixture.cache.counters().refused, 1);
  });

  it("says that no turn came in time, which is no word of DNS", async () => {
    const fixture = new Fixture({ runningMax: 1, nowMs: () => performance.now() });
    fixture.evaluate({ domain: "slow.test" });
    const late = await keepingAlive(
      new Promise<Evaluation>((resolve) => {
        evaluate(fixture.cache, request({ deadlineMs: performance.now() + 20 }), resolve);
      }),
    );
    const own = await keepingAlive(
      new Promise<Evaluation>((resolve) => {
        evaluate(
          fixture.cache,
          request({ domain: "slow.test", deadlineMs: performance.now() + 20 }),
          resolve,
        );
      }),
    );
    assert.deepEqual(
      [late, own].map(({ outcome: { failure } }) => failure),
      ["overload", "deadline"],
    );
    assert.deepEqual([fixture.cache.counters().timeouts, fixture.cache.counters().refused], [2, 1]);
  });
});

describe("a verdict in use", () => {
  /** Learned, found three times, and ended. */
  function ended(given = outcome({ ttlSeconds: 60 }), options: Partial<VerdictCacheOptions> = {}): Fixture {
    const fixture = new Fixture(options);
    fixture.learn(given);
    for (let i = 0; i < 3; i++) fixture.evaluate();
    fixture.nowMs += 61_000;
    return fixture;
  }

  it("is told once in its life, when it is found the third time", () => {
    const fixture = new Fixture();
    fixture.learn(outcome({ ttlSeconds: 60 }));
    const told = [1, 2, 3, 4].map(() => {
      fixture.evaluate();
      return fixture.popular.length;
    });
    assert.deepEqual(told, [0, 0, 1, 1]);
    assert.equal(fixture.popular[0]?.expiresMs, 61_000);
  });

  for (const [what, macrosRead] of [
    ["for all senders", []],
    ["for one sender", ["l"]],
  ] as const) {
    it(`is evaluated again, and lives anew: ${what}`, () => {
      const fixture = ended(outcome({ ttlSeconds: 60, macrosRead }));
      fixture.popular[0]?.renew();
      assert.equal(fixture.checks.open, 1);
      assert.equal(fixture.checks.all[1]?.sender, "someone@example.test");
      fixture.checks.answer(outcome({ result: "fail", ttlSeconds: 60, macrosRead }));
      assert.equal(gist(fixture.evaluate()), "fail cached");
      assert.equal(fixture.popular.length, 1);
      const { hits, misses, evaluations, renewals, running } = fixture.cache.counters();
      assert.deepEqual([hits, misses, evaluations, renewals, running], [4, 1, 2, 1, 0]);
    });
  }

  it("is evaluated again where the answers are in memory", () => {
    const check = (): Outcome => outcome({ ttlSeconds: 60 });
    const fixture = new Fixture({ check });
    for (let i = 0; i < 4; i++) fixture.evaluate();
    fixture.nowMs += 61_000;
    fixture.popular[0]?.renew();
    assert.equal(gist(fixture.evaluate()), "pass cached");
    assert.equal(fixture.cache.counters().renewals, 1);
  });

  it("is left alone where it lives, is being evaluated, or others wait for their turn", () => {
    const alive = ended();
    alive.nowMs -= 10_000;
    const underWay = ended();
    underWay.evaluate();
    const busy = ended(undefined, { runningMax: 1 });
    busy.evaluate({ domain: "a.test" });
    busy.evaluate({ domain: "b.test" });
    for (const [fixture, open] of [
      [alive, 0],
      [underWay, 1],
      [busy, 1],
    ] as const) {
      fixture.popular[0]?.renew();
      assert.deepEqual([fixture.checks.open, fixture.cache.counters().renewals], [open, 0]);
    }
  });

  it("takes nobody's turn: where its share is taken it does not wait for one", () => {
    const fixture = ended(undefined, { runningMax: 1 });
    fixture.evaluate({ domain: "a.test" });
    fixture.popular[0]?.renew();
    const { renewals, waiting } = fixture.cache.counters();
    assert.deepEqual([fixture.checks.open, renewals, waiting], [1, 0, 0]);
  });

  it("is renewed with sixteen others at most", () => {
    const fixture = new Fixture();
    const domains = Array.from({ length: 20 }, (_, i) => `d${i}.test`);
    for (const domain of domains) {
      fixture.learn(outcome({ domain, ttlSeconds: 60 }), { domain, ip: "192.0.2.1" });
      for (let i = 0; i < 3; i++) fixture.evaluate({ domain });
    }
    fixture.nowMs += 61_000;
    for (const { renew } of fixture.popular) renew();
    assert.equal(fixture.checks.open, 16);
    fixture.checks.answer(outcome({ ttlSeconds: 60 }));
    fixture.popular[19]?.renew();
    assert.equal(fixture.checks.open, 16);
  });

  it("serves who comes while it is under way", () => {
    const fixture = ended();
    fixture.popular[0]?.renew();
    const late = fixture.evaluate();
    fixture.checks.answer(outcome({ ttlSeconds: 60 }));
    assert.equal(gist(late), "pass");
    assert.equal(late.verdicts[0]?.source, "joined");
  });

  it("is given up after five seconds, but for those who wait", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    for (const [waits, open] of [
      [false, 0],
      [true, 1],
    ] as const) {
      const fixture = ended();
      fixture.popular[0]?.renew();
      if (waits) fixture.evaluate();
      t.mock.timers.tick(4999);
      assert.equal(fixture.checks.open, 1);
      t.mock.timers.tick(1);
      assert.equal(fixture.checks.open, open);
    }
  });

  it("is not kept where the evaluation comes to a temperror", () => {
    const fixture = ended();
    fixture.popular[0]?.renew();
    fixture.checks.answer(outcome({ result: "temperror", ttlSeconds: 0 }));
    assert.equal(gist(fixture.evaluate()), "");
    assert.equal(fixture.checks.open, 1);
  });
});

/** A policy that reads one macro after the other, and by the values decides what to read next. */
function evaluatePolicy(input: VerdictInput, salt: number): Outcome {
  const macrosRead: SenderMacro[] = [];
  const at = input.sender.lastIndexOf("@");
  const values = {
    s: input.sender,
    l: input.sender.slice(0, at),
    o: input.sender.slice(at + 1),
    h: input.helo,
  };
  let state = salt + input.domain.length;
  for (let step = 0; step < 4 && state % 3 !== 0; step++) {
    const letter = (["l", "h", "o", "s"] as const)[state % 4]!;
    macrosRead.push(letter);
    for (const char of values[letter]) state = (state * 31 + char.charCodeAt(0)) % 1009;
  }
  const result = (["pass", "fail", "softfail", "neutral"] as const)[state % 4]!;
  return outcome({ result, macrosRead, ttlSeconds: 1 + (state % 5) });
}

describe("evaluate, under any order of things", () => {
  it("gives everyone the verdict that an evaluation of their own would have", () => {
    const one = fc.record({
      kind: fc.constant("evaluate" as const),
      domain: fc.constantFrom("a.test", "bb.test", "ccc.test"),
      local: fc.constantFrom("x", "y", "z"),
      from: fc.constantFrom("a.test", "q.test"),
      helo: fc.constantFrom("h1", "h2"),
    });
    const action = fc.oneof(
      { weight: 4, arbitrary: one },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("answer" as const), at: fc.nat(10) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel" as const), at: fc.nat(30) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(4000) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("renew" as const), at: fc.nat(5) }) },
    );
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 80 }),
        fc.nat(1000),
        fc.integer({ min: 1, max: 8 }),
        (actions, salt, runningMax) => {
          const open: { input: VerdictInput; done: (outcome: Outcome) => void }[] = [];
          const fixture = new Fixture({
            runningMax,
            check: (input, done) => {
              const entry = { input, done };
              open.push(entry);
              return { cancel: () => open.splice(open.indexOf(entry), 1) };
            },
          });
          const asked: {
            expected: string;
            verdicts: Evaluation[];
            cancel: () => void;
            cancelled: boolean;
          }[] = [];
          const answer = (at: number): void => {
            const [entry] = open.splice(at % open.length, 1);
            entry?.done(evaluatePolicy(entry.input, salt));
          };
          for (const act of actions) {
            if (act.kind === "wait") fixture.nowMs += act.ms;
            else if (act.kind === "renew") fixture.popular[act.at]?.renew();
            else if (act.kind === "answer") {
              if (open.length > 0) answer(act.at);
            } else if (act.kind === "cancel") {
              const it = asked[act.at];
              if (it === undefined || it.verdicts.length > 0) continue;
              it.cancel();
              it.cancelled = true;
            } else {
              const parts = { domain: act.domain, sender: `${act.local}@${act.from}`, helo: act.helo };
              const expected = evaluatePolicy(request(parts), salt).result;
              asked.push({ expected, cancelled: false, ...fixture.evaluate(parts) });
            }
          }
          while (open.length > 0) answer(0);
          for (const { expected, verdicts, cancelled } of asked) {
            assert.deepEqual(
              verdicts.map(({ outcome: { result } }) => result),
              cancelled ? [] : [expected],
            );
          }
          assert.deepEqual([fixture.cache.counters().running, fixture.cache.counters().waiting], [0, 0]);
          assert.deepEqual(fixture.errors, []);
        },
      ),
      { seed: 20_140_408, numRuns: 600 },
    );
  });
});
