import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Renewals } from "../../../src/smf-spf/renewals.ts";

describe("Renewals", () => {
  let nowMs: number;
  let mayAsk: boolean;
  let asked: string[];
  let renewals: Renewals;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    [nowMs, mayAsk, asked] = [5000, true, []];
    renewals = new Renewals({ mayAsk: () => mayAsk, nowMs: () => nowMs, namesMax: 20 });
  });
  afterEach(() => {
    mock.timers.reset();
  });

  const note = (name: string, lifeMs: number): void => {
    renewals.note(nowMs + lifeMs, () => asked.push(name));
  };
  const pass = (ms: number): void => {
    for (let i = 0; i < ms; i += 10) {
      nowMs += 10;
      mock.timers.tick(10);
    }
  };

  it("asks once, a second after the end, in the order of the ends", () => {
    note("late", 300_000);
    note("early", 60_000);
    pass(60_990);
    assert.deepEqual(asked, []);
    pass(20);
    assert.deepEqual(asked, ["early"]);
    pass(600_000);
    assert.deepEqual(asked, ["early", "late"]);
  });

  it("does not count down to an end that is days away, for which no timer is long enough", async () => {
    mock.timers.reset();
    let looks = 0;
    renewals = new Renewals({ mayAsk: () => true, nowMs: () => ++looks });
    renewals.note(40 * 86_400_000, () => asked.push("month"));
    await sleep(50);
    assert.ok(looks < 3, `the clock was looked at ${looks} times`);
    renewals.stop();
    assert.deepEqual(asked, []);
  });

  it("asks for fifty in a second, and none is lost", () => {
    renewals = new Renewals({ mayAsk: () => mayAsk, nowMs: () => nowMs });
    for (let i = 0; i < 120; i++) note(`n${i}`, 0);
    const perSecond = [1, 2, 3, 4].map(() => {
      const before = asked.length;
      pass(1000);
      return asked.length - before;
    });
    // The first is asked at the end of the second of grace.
    assert.ok(
      perSecond.every((count) => count <= 50),
      String(perSecond),
    );
    assert.equal(asked.length, 120);
  });

  it("asks for nothing while there is no time for it, and goes on afterwards", () => {
    note("busy", 1000);
    note("idle", 5000);
    mayAsk = false;
    pass(3000);
    mayAsk = true;
    pass(10_000);
    assert.deepEqual(asked, ["idle"]);
  });

  it("has room for a bounded number: the first that was noted makes way", () => {
    for (let i = 0; i < 25; i++) note(`n${i}`, 1000);
    pass(10_000);
    assert.deepEqual(
      asked,
      Array.from({ length: 20 }, (_, i) => `n${i + 5}`),
    );
  });

  it("may be told of more while it asks", () => {
    renewals.note(nowMs, () => {
      asked.push("first");
      note("second", 1000);
    });
    pass(5000);
    assert.deepEqual(asked, ["first", "second"]);
  });

  it("forgets what was noted at clear(), and asks for what is noted afterwards", () => {
    note("before", 1000);
    renewals.clear();
    note("after", 2000);
    pass(5000);
    assert.deepEqual(asked, ["after"]);
  });

  it("asks for nothing after stop()", () => {
    note("before", 1000);
    renewals.stop();
    note("after", 1000);
    pass(5000);
    assert.deepEqual(asked, []);
  });
});
