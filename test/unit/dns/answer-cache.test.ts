import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Answer, RecordType } from "spf-check";
import { AnswerCache } from "../../../src/dns/index.ts";
import { nowOrLater } from "../../support/now-or-later.ts";
import { PendingQuestions } from "../verdicts/support.ts";

const found = (ttlSeconds: number, text = "x"): Answer => ({ status: "found", records: [text], ttlSeconds });

class Fixture {
  nowMs = 1000;
  readonly source = new PendingQuestions();
  readonly popular: { readonly expiresMs: number; readonly renew: () => void }[] = [];
  readonly cache: AnswerCache;

  constructor(entriesMax = 100, octetsMax?: number) {
    this.cache = new AnswerCache({
      source: this.source,
      entriesMax,
      nowMs: () => this.nowMs,
      onPopular: (expiresMs, renew) => this.popular.push({ expiresMs, renew }),
      ...(octetsMax === undefined ? {} : { octetsMax }),
    });
  }

  ask(name: string, type: RecordType = "TXT"): { answers: Answer[]; cancel: () => void } {
    const answers: Answer[] = [];
    const cancel = nowOrLater<Answer>(
      (done) => this.cache.ask({ name, type }, done),
      (answer) => answers.push(answer),
    );
    return { answers, cancel };
  }

  /** Asks, and lets the network give this answer. */
  learn(name: string, answer: Answer): void {
    this.ask(name);
    this.source.answer(answer);
  }
}

describe("AnswerCache", () => {
  it("returns what is in memory, with what is left of the TTL", () => {
    const fixture = new Fixture();
    fixture.learn("a.test", found(60));
    fixture.nowMs += 17_300;
    assert.deepEqual(fixture.ask("A.TEST").answers, [found(42)]);
    assert.equal(fixture.source.all.length, 1);
  });

  it("asks again at the end of the TTL", () => {
    const fixture = new Fixture();
    fixture.learn("a.test", found(60));
    fixture.nowMs += 59_999;
    assert.deepEqual(fixture.ask("a.test").answers, [found(0)]);
    fixture.nowMs += 1;
    assert.deepEqual(fixture.ask("a.test").answers, []);
    assert.equal(fixture.source.open, 1);
  });

  it("keeps the types of a name apart", () => {
    const fixture = new Fixture();
    fixture.learn("a.test", found(60));
    assert.deepEqual(fixture.ask("a.test", "PTR").answers, []);
  });

  const kept: [string, Answer, boolean][] = [
    ["records", found(60), true],
    ["nodata", { status: "nodata", ttlSeconds: 60 }, true],
    ["nxdomain", { status: "nxdomain", ttlSeconds: 60 }, true],
    ["records of TTL 0", found(0), false],
    ["a negative answer of TTL 0", { status: "nxdomain", ttlSeconds: 0 }, false],
    ["what was never asked", { status: "nxdomain", ttlSeconds: Number.POSITIVE_INFINITY }, false],
    ["a fault", { status: "fault", problem: "no" }, false],
  ];
  for (const [what, answer, keeps] of kept) {
    it(`${keeps ? "keeps" : "does not keep"} ${what}`, () => {
      const fixture = new Fixture();
      fixture.learn("a.test", answer);
      assert.deepEqual(fixture.ask("a.test").answers, keeps ? [answer] : []);
      assert.equal(fixture.source.all.length, keeps ? 1 : 2);
    });
  }

  it("recalls an answer after its end, which counts as no use", () => {
    const fixture = new Fixture(2);
    const recall = (name: string): unknown => fixture.cache.recall({ name, type: "TXT" });
    fixture.learn("a.test", found(60));
    fixture.learn("b.test", { status: "nxdomain", ttlSeconds: 60 });
    assert.deepEqual(recall("A.test"), { answer: found(60), isOver: false });
    fixture.nowMs += 60_000;
    assert.deepEqual(recall("a.test"), { answer: found(0), isOver: true });
    assert.deepEqual(recall("b.test"), { answer: { status: "nxdomain", ttlSeconds: 0 }, isOver: true });
    assert.equal(recall("c.test"), undefined);
    assert.equal(fixture.cache.counters().hits, 0);
    // It was used first, so it makes room.
    fixture.learn("c.test", found(60));
    assert.equal(recall("a.test"), undefined);
  });

  it("joins equal questions on their way", () => {
    const fixture = new Fixture();
    const asks = ["a.test", "A.test", "a.test"].map((name) => fixture.ask(name));
    assert.equal(fixture.source.all.length, 1);
    fixture.source.answer(found(0));
    for (const { answers } of asks) assert.deepEqual(answers, [found(0)]);
    assert.deepEqual(fixture.cache.counters(), {
      hits: 0,
      misses: 1,
      joined: 2,
      evictions: 0,
      renewals: 0,
      entries: 0,
    });
  });

  it("lets one leave without harm to the others, and ends the question with the last", () => {
    const fixture = new Fixture();
    const first = fixture.ask("a.test");
    const second = fixture.ask("a.test");
    const third = fixture.ask("a.test");
    first.cancel();
    first.cancel();
    assert.equal(fixture.source.cancelled.length, 0);
    third.cancel();
    fixture.source.answer(found(60));
    assert.deepEqual([first.answers, second.answers, third.answers], [[], [found(60)], []]);
    const alone = fixture.ask("b.test");
    alone.cancel();
    assert.deepEqual(fixture.source.cancelled, [{ name: "b.test", type: "TXT" }]);
    fixture.ask("b.test");
    assert.equal(fixture.source.open, 1);
  });

  it("does not serve one who was made to leave by another's answer", () => {
    const fixture = new Fixture();
    const served: string[] = [];
    const question = { name: "a.test", type: "TXT" } as const;
    fixture.cache.ask(question, () => {
      served.push("first");
      assert.ok("cancel" in second);
      second.cancel();
    });
    const second = fixture.cache.ask(question, () => served.push("second"));
    fixture.source.answer(found(60));
    assert.deepEqual(served, ["first"]);
  });

  it("drops the least recently used of too many entries", () => {
    const fixture = new Fixture(2);
    fixture.learn("a.test", found(60, "a"));
    fixture.learn("b.test", found(60, "b"));
    fixture.ask("a.test");
    fixture.learn("c.test", found(60, "c"));
    const { entries, evictions } = fixture.cache.counters();
    assert.deepEqual([entries, evictions], [2, 1]);
    assert.equal(fixture.ask("a.test").answers.length, 1);
    assert.equal(fixture.ask("b.test").answers.length, 0);
  });

  it("keeps the octets of large records within bounds", () => {
    const fixture = new Fixture(100_000, 1_000_000);
    for (let i = 0; i < 200; i++) fixture.learn(`n${i}.test`, found(60, "x".repeat(10_000)));
    assert.equal(fixture.cache.counters().entries, 96);
  });

  it("does not keep what is over 16 KB, so that a hundred of it cannot flush the rest", () => {
    const fixture = new Fixture();
    fixture.learn("small.test", found(60));
    for (let i = 0; i < 200; i++) fixture.learn(`n${i}.test`, found(60, "x".repeat(60_000)));
    assert.equal(fixture.cache.counters().entries, 1);
    assert.equal(fixture.ask("small.test").answers.length, 1);
  });

  it("keeps nothing where it may hold no entry", () => {
    const fixture = new Fixture(0);
    fixture.learn("a.test", found(60));
    assert.equal(fixture.ask("a.test").answers.length, 0);
  });

  it("keeps what was used last when the number of entries changes", () => {
    const fixture = new Fixture();
    for (const name of ["a.test", "b.test", "c.test"]) fixture.learn(name, found(60));
    fixture.ask("a.test");
    const known = (name: string): number => {
      const { answers, cancel } = fixture.ask(name);
      cancel();
      return answers.length;
    };
    fixture.cache.setLimits({ entriesMax: 2 });
    assert.deepEqual([known("a.test"), known("b.test"), known("c.test")], [1, 0, 1]);
    fixture.cache.setLimits({ entriesMax: 3 });
    fixture.learn("d.test", found(60));
    assert.deepEqual([known("a.test"), known("c.test"), known("d.test")], [1, 1, 1]);
  });

  it("does not keep what was asked before it was emptied", () => {
    const fixture = new Fixture();
    const { answers } = fixture.ask("a.test");
    fixture.cache.setLimits({ entriesMax: 0 });
    fixture.cache.setLimits({ entriesMax: 3 });
    fixture.source.answer(found(60));
    assert.equal(answers.length, 1, "whoever waits gets it");
    assert.equal(fixture.cache.counters().entries, 0);
  });

  describe("an answer in use", () => {
    /** Learned, and found three times in memory. */
    function inUse(): Fixture {
      const fixture = new Fixture();
      fixture.learn("a.test", found(60));
      for (let i = 0; i < 3; i++) fixture.ask("A.test");
      return fixture;
    }

    it("is told once in its life, when it is found the third time", () => {
      const fixture = new Fixture();
      fixture.learn("a.test", found(60));
      const told = [1, 2, 3, 4].map(() => {
        fixture.ask("a.test");
        return fixture.popular.length;
      });
      assert.deepEqual(told, [0, 0, 1, 1]);
      assert.equal(fixture.popular[0]?.expiresMs, 61_000);
    });

    it("is asked for again, and lives anew: its hits count from zero", () => {
      const fixture = inUse();
      fixture.nowMs = 62_000;
      fixture.popular[0]?.renew();
      assert.equal(fixture.source.open, 1);
      fixture.source.answer(found(60, "y"));
      assert.deepEqual(fixture.ask("a.test").answers, [found(60, "y")]);
      assert.equal(fixture.popular.length, 1);
      assert.deepEqual(
        { ...fixture.cache.counters() },
        { hits: 4, misses: 1, joined: 0, evictions: 0, renewals: 1, entries: 1 },
      );
    });

    it("is not asked for again where it is in memory, or on its way", () => {
      const fixture = inUse();
      fixture.popular[0]?.renew();
      assert.equal(fixture.source.open, 0);
      fixture.nowMs = 62_000;
      fixture.ask("a.test");
      fixture.popular[0]?.renew();
      assert.deepEqual([fixture.source.open, fixture.cache.counters().renewals], [1, 0]);
    });

    it("serves those who come while it is on its way, and ends with the last of them", () => {
      for (const [leaves, open] of [
        [false, 1],
        [true, 0],
      ] as const) {
        const fixture = inUse();
        fixture.nowMs = 62_000;
        fixture.popular[0]?.renew();
        const { answers, cancel } = fixture.ask("a.test");
        if (leaves) cancel();
        assert.equal(fixture.source.open, open);
        if (!leaves) fixture.source.answer(found(60));
        assert.equal(answers.length, open);
      }
    });

    it("is not kept where DNS fails", () => {
      const fixture = inUse();
      fixture.nowMs = 62_000;
      fixture.popular[0]?.renew();
      fixture.source.answer({ status: "fault", problem: "SERVFAIL" });
      assert.deepEqual(fixture.ask("a.test").answers, []);
    });
  });
});
