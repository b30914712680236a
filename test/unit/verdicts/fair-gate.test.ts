import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FairGate, type Runnable, type Share, sharesOf } from "../../../src/verdicts/fair-gate.ts";
import { request } from "./support.ts";

const LIMITS = { runningMax: 4, waitingMax: 8 };

/** `key` a half of four, `key/turn` with a turn of its own. */
function share(text: string): Share {
  const [key = "", turn = text] = text.split("/");
  return { key, part: 1 / 2, turn };
}
const ALL: Share = { key: "", part: 1, turn: "" };

function fixture(limits = LIMITS): {
  gate: FairGate;
  started: string[];
  add: (name: string, ...shares: string[]) => Runnable & { turn: string };
} {
  const gate = new FairGate(limits);
  const started: string[] = [];
  return {
    gate,
    started,
    add: (name, ...shares) => {
      const runnable = {
        shares: [...shares.map(share), ALL],
        start: () => void started.push(name),
        turn: "",
      };
      runnable.turn = gate.enter(runnable);
      if (runnable.turn === "now") runnable.start();
      return runnable;
    },
  };
}

describe("FairGate", () => {
  it("lets in at once while there is room, and the next when one leaves", () => {
    const { gate, started, add } = fixture();
    const first = add("a", "1");
    for (const name of ["b", "c", "d", "e"]) add(name, name);
    assert.deepEqual([started.join(""), gate.running, gate.waiting], ["abcd", 4, 1]);
    gate.leave(first);
    gate.leave(first);
    assert.deepEqual([started.join(""), gate.running, gate.waiting], ["abcde", 4, 0]);
  });

  it("lets others past those whose share is taken", () => {
    const { gate, started, add } = fixture();
    const a = add("a", "slow");
    add("b", "slow");
    add("c", "slow");
    add("d", "quick");
    assert.deepEqual([started.join(""), gate.waiting], ["abd", 1]);
    gate.leave(a);
    assert.equal(started.join(""), "abdc");
  });

  it("takes turns among those that wait for one share", () => {
    const { gate, started, add } = fixture({ runningMax: 4, waitingMax: 100 });
    const running = [add("x", "co.jp/x"), add("y", "co.jp/x")];
    for (let i = 0; i < 10; i++) running.push(add("e", "co.jp/evil"));
    running.push(add("g", "co.jp/good"), add("h", "co.jp/good"));
    for (let i = 0; i < 4; i++) gate.leave(running[[0, 1, 2, 12][i]!]!);
    assert.equal(started.join(""), "xyegeh");
  });

  it("moves on to the next share that is full", () => {
    const { gate, started, add } = fixture();
    const a = add("a", "net", "p");
    const b = add("b", "net", "q");
    add("c", "p", "r");
    const d = add("d", "r", "s");
    add("e", "net", "r");
    assert.equal(started.join(""), "abcd");
    gate.leave(a);
    assert.equal(started.join(""), "abcd", "e waits for r now");
    gate.leave(b);
    assert.equal(started.join(""), "abcd");
    gate.leave(d);
    assert.deepEqual([started.join(""), gate.waiting], ["abcde", 0]);
  });

  it("turns away what comes when too many wait, and leaves room to others", () => {
    const { add } = fixture();
    const turns = Array.from({ length: 7 }, () => add("s", "slow").turn);
    assert.deepEqual(turns, ["now", "now", "later", "later", "later", "later", "never"]);
    assert.equal(add("q", "quick").turn, "now");
  });

  it("does not run what has given up waiting", () => {
    const { gate, started, add } = fixture();
    const [first] = [add("a", "1"), add("b", "1"), add("c", "3")];
    gate.leave(add("d", "1"));
    gate.leave(first);
    assert.deepEqual([started.join(""), gate.running, gate.waiting], ["abc", 2, 0]);
  });

  it("starts ten thousand that end at once without a deep stack", () => {
    const gate = new FairGate({ runningMax: 1, waitingMax: 20_000 });
    const blocker: Runnable = { shares: [ALL], start: () => undefined };
    gate.enter(blocker);
    let ran = 0;
    for (let i = 0; i < 10_000; i++) {
      const runnable: Runnable = {
        shares: [ALL],
        start: () => {
          ran++;
          gate.leave(runnable);
        },
      };
      gate.enter(runnable);
    }
    gate.leave(blocker);
    assert.deepEqual([ran, gate.running, gate.waiting], [10_000, 0, 0]);
  });

  it("keeps its bounds and lets nothing wait that could run, whatever comes and goes", () => {
    const key = fc.constantFrom("a", "b", "c");
    const action = fc.oneof(
      fc.record({ keys: fc.uniqueArray(key, { minLength: 1, maxLength: 2 }), endsAtOnce: fc.boolean() }),
      fc.nat(20),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const gate = new FairGate(LIMITS);
        const running = new Set<Runnable>();
        const waiting = new Set<Runnable>();
        const perKey = (wanted: string): number =>
          [...running].filter(({ shares }) => shares.some((one) => one.key === wanted)).length;
        for (const act of actions) {
          if (typeof act === "number") {
            const one = [...running, ...waiting][act];
            if (one === undefined) continue;
            running.delete(one);
            waiting.delete(one);
            gate.leave(one);
          } else {
            const one: Runnable = {
              shares: [...act.keys.map(share), ALL],
              start: () => {
                waiting.delete(one);
                if (act.endsAtOnce) gate.leave(one);
                else running.add(one);
              },
            };
            waiting.add(one);
            const turn = gate.enter(one);
            if (turn === "now") one.start();
            else if (turn === "never") waiting.delete(one);
          }
          assert.deepEqual([gate.running, gate.waiting], [running.size, waiting.size]);
          assert.ok(running.size <= LIMITS.runningMax && waiting.size <= LIMITS.waitingMax);
          for (const k of ["a", "b", "c"]) assert.ok(perKey(k) <= 2);
          for (const { shares } of waiting) {
            const room = shares.every(({ key: k, part }) => perKey(k) < LIMITS.runningMax * part);
            assert.ok(!room, "something waits though there is room");
          }
        }
      }),
      { seed: 7208, numRuns: 500 },
    );
  });
});

describe("sharesOf", () => {
  const keys = (ip: string, domain: string): string[] =>
    sharesOf(request({ ip, domain })).map(({ key, turn }) => `${key}>${turn}`);

  for (const [ip, domain, ...expected] of [
    ["192.0.2.1", "a.b.example.test", "192.0.2 example.test>b.example.test", "192.0.2 >example.test"],
    ["::ffff:192.0.2.1", "Example.TEST.", "192.0.2 example.test>example.test", "192.0.2 >example.test"],
    ["2001:db8:1:2::1", "x.co.jp", "32.1.13.184.0.1 co.jp>x.co.jp", "32.1.13.184.0.1 >co.jp"],
  ] as const) {
    it(`counts ${domain} from ${ip} against ${expected.join(", ")}`, () => {
      assert.deepEqual(keys(ip, domain).slice(0, 2), expected);
    });
  }

  it("has a share for the domain, and one for all", () => {
    assert.deepEqual(keys("192.0.2.1", "x.co.jp").slice(2), [" co.jp>x.co.jp", ">192.0.2"]);
  });
});
