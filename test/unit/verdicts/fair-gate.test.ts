import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FairGate, type Runnable } from "../../../src/verdicts/fair-gate.ts";

const LIMITS = { runningMax: 3, runningPerKeyMax: 2, waitingMax: 4 };

function fixture(limits = LIMITS): {
  gate: FairGate;
  started: string[];
  add: (name: string, ...keys: string[]) => Runnable & { turn: string };
} {
  const gate = new FairGate(limits);
  const started: string[] = [];
  return {
    gate,
    started,
    add: (name, ...keys) => {
      const runnable = { keys, start: () => void started.push(name), turn: "" };
      runnable.turn = gate.enter(runnable);
      if (runnable.turn === "now") runnable.start();
      return runnable;
    },
  };
}

describe("FairGate", () => {
  it("starts at once while there is room, and the next when one leaves", () => {
    const { gate, started, add } = fixture();
    const first = add("a", "1");
    add("b", "2");
    add("c", "3");
    add("d", "4");
    assert.deepEqual([started, gate.running, gate.waiting], [["a", "b", "c"], 3, 1]);
    gate.leave(first);
    gate.leave(first);
    assert.deepEqual([started, gate.running, gate.waiting], [["a", "b", "c", "d"], 3, 0]);
  });

  it("lets others past those whose key has its share", () => {
    const { gate, started, add } = fixture();
    const a = add("a", "slow", "x");
    add("b", "slow", "y");
    add("c", "slow", "z");
    add("d", "quick");
    assert.deepEqual([started, gate.waiting], [["a", "b", "d"], 1]);
    gate.leave(a);
    assert.deepEqual(started, ["a", "b", "d", "c"]);
  });

  it("turns away what comes when too many wait", () => {
    const { gate, add } = fixture();
    const all = Array.from({ length: 8 }, (_, i) => add(String(i), String(i)));
    assert.deepEqual(
      all.map(({ turn }) => turn),
      ["now", "now", "now", "later", "later", "later", "later", "never"],
    );
    gate.leave(all[4]!);
    assert.equal(gate.waiting, 3);
  });

  it("does not run what has given up waiting", () => {
    const { gate, started, add } = fixture();
    const [first] = [add("a", "1"), add("b", "2"), add("c", "3")];
    gate.leave(add("d", "4"));
    gate.leave(first);
    assert.deepEqual([started, gate.running], [["a", "b", "c"], 2]);
  });

  it("starts ten thousand that end at once without a deep stack", () => {
    const gate = new FairGate({ runningMax: 1, runningPerKeyMax: 1, waitingMax: 20_000 });
    const blocker: Runnable = { keys: ["k"], start: () => undefined };
    gate.enter(blocker);
    let ran = 0;
    for (let i = 0; i < 10_000; i++) {
      const runnable: Runnable = {
        keys: ["k"],
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
        const perKey = (k: string): number => [...running].filter(({ keys }) => keys.includes(k)).length;
        for (const act of actions) {
          if (typeof act === "number") {
            const one = [...running, ...waiting][act];
            if (one === undefined) continue;
            running.delete(one);
            waiting.delete(one);
            gate.leave(one);
          } else {
            const one: Runnable = {
              keys: act.keys,
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
          for (const k of ["a", "b", "c"]) assert.ok(perKey(k) <= LIMITS.runningPerKeyMax);
          for (const { keys } of waiting) {
            const room =
              running.size < LIMITS.runningMax && keys.every((k) => perKey(k) < LIMITS.runningPerKeyMax);
            assert.ok(!room, "something waits though there is room");
          }
        }
      }),
      { seed: 7208, numRuns: 500 },
    );
  });
});
