import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type Answer,
  type CheckHostInput,
  checkHost,
  type Outcome,
  type Question,
  type Step,
} from "spf-check";
import { AnswerCache, drive, foresee, type Remembered } from "../../../src/dns/index.ts";
import { Zone, type ZoneData } from "../../system/conformance/zone.ts";
import { hostileInput, hostileZone, RUNS } from "../spf-check/arbitraries.ts";
import { inputFor } from "../spf-check/support.ts";

const LONG_AGO: ZoneData = {
  "a.test": [{ TXT: "v=spf1 include:one.test include:two.test -all" }],
  "one.test": [{ TXT: "v=spf1 a:host.one.test ~all" }],
  "host.one.test": [{ A: "198.51.100.1" }],
  "two.test": [{ TXT: "v=spf1 mx -all" }, { MX: [10, "mail.two.test"] }],
  "mail.two.test": [{ A: "192.0.2.1" }],
};
const INPUT = inputFor({ domain: "a.test", sender: "user@a.test" });

/** What is in memory: the answers of a zone, over or not, but for the names left out. */
function memoryOf(
  zone: ZoneData,
  { stillGood = [], without = [] }: { stillGood?: readonly string[]; without?: readonly string[] } = {},
): (question: Question) => Remembered | undefined {
  const names = new Zone(zone);
  return (question) => {
    if (without.includes(question.name)) return undefined;
    return { answer: names.answer(question), isOver: !stillGood.includes(question.name) };
  };
}

const texts = (questions: readonly Question[]): string[] =>
  questions.map(({ type, name }) => `${type} ${name}`);

const ALL = [
  "TXT a.test",
  "TXT one.test",
  "TXT two.test",
  "A host.one.test",
  "MX two.test",
  "A mail.two.test",
];

describe("foresee", () => {
  const rows: readonly [string, Parameters<typeof memoryOf>[1], readonly string[]][] = [
    ["every question that was asked the last time, where all answers are over", {}, ALL],
    [
      "nothing of what is still good",
      { stillGood: ["one.test", "mail.two.test"] },
      ["TXT a.test", "TXT two.test", "A host.one.test", "MX two.test"],
    ],
    ["nothing where nothing is remembered of the domain", { without: ["a.test"] }, []],
    [
      "as far as the memory reaches, and what the last record names",
      { without: ["two.test", "host.one.test"] },
      ["TXT a.test", "TXT one.test", "TXT two.test"],
    ],
  ];
  for (const [what, memory, expected] of rows) {
    it(`gives ${what}`, () => {
      const hints = { ...INPUT, hints: true };
      assert.deepEqual(texts(foresee(checkHost(hints), memoryOf(LONG_AGO, memory))), expected);
    });
  }

  it("gives a question once", () => {
    const zone = {
      "a.test": [{ TXT: "v=spf1 a:x.test a:X.test exists:x.test -all" }],
      "x.test": [{ A: "198.51.100.1" }],
    };
    assert.deepEqual(texts(foresee(checkHost({ ...INPUT, hints: true }), memoryOf(zone))), [
      "TXT a.test",
      "A x.test",
    ]);
  });

  function* asking(count: number): Generator<Step, Outcome, Answer | undefined> {
    for (let i = 0; i < count; i++) yield { kind: "ask", question: { name: `${i}.test`, type: "TXT" } };
    throw new Error("a defect");
  }
  const heavy: Answer = { status: "found", records: Array<string>(100).fill("x"), ttlSeconds: 0 };
  const light: Answer = { status: "nxdomain", ttlSeconds: 0 };

  it("gives 32 questions at most", () => {
    function* hinting(): Generator<Step, Outcome, Answer | undefined> {
      const questions = Array.from({ length: 100 }, (_, i): Question => ({ name: `${i}.test`, type: "TXT" }));
      yield { kind: "hint", questions };
      return yield* asking(0);
    }
    for (const evaluator of [asking(1000), hinting()])
      assert.equal(foresee(evaluator, () => ({ answer: light, isOver: true })).length, 32);
  });

  it("does not go through more of old answers than an evaluation in earnest does in one turn", () => {
    let recalled = 0;
    foresee(asking(1000), () => {
      recalled++;
      return { answer: heavy, isOver: false };
    });
    assert.equal(recalled, 5);
  });

  it("leaves what an evaluator throws to those who evaluate in earnest", () => {
    assert.deepEqual(texts(foresee(asking(1), () => ({ answer: light, isOver: true }))), ["TXT 0.test"]);
  });
});

/** Answers of the zone in force, each a turn after its question; every answer lives for a second. */
class Later {
  zone: ZoneData = {};
  #waiting: (() => void)[] = [];

  readonly ask = (question: Question, done: (answer: Answer) => void): { cancel: () => void } => {
    const answer = new Zone(this.zone).answer(question);
    let isOn = true;
    this.#waiting.push(() => {
      if (isOn) done("ttlSeconds" in answer ? { ...answer, ttlSeconds: 1 } : answer);
    });
    return {
      cancel: () => {
        isOn = false;
      },
    };
  };

  /** Gives every answer that is due; the number of round trips that it took until nothing was asked any more. */
  settle(): number {
    let turns = 0;
    for (; this.#waiting.length > 0; turns++) for (const give of this.#waiting.splice(0)) give();
    return turns;
  }
}

/** Evaluates at a time, with what was learned before. */
class Daemon {
  nowMs = 0;
  readonly source = new Later();
  readonly answers = new AnswerCache({ source: this.source, entriesMax: 1000, nowMs: () => this.nowMs });
  readonly #foresees: boolean;

  constructor(foresees: boolean) {
    this.#foresees = foresees;
  }

  evaluate(zone: ZoneData, input: CheckHostInput): { outcome: Outcome; turns: number } {
    this.source.zone = zone;
    const outcomes: Outcome[] = [];
    const known = drive<Outcome>(
      checkHost(input),
      {
        source: this.answers,
        ...(this.#foresees
          ? { foresee: () => foresee(checkHost(input), (question) => this.answers.recall(question)) }
          : {}),
        onThrow: (error) => {
          throw error;
        },
      },
      (outcome) => outcomes.push(outcome),
    );
    const turns = this.source.settle();
    const [outcome] = "cancel" in known ? outcomes : [known];
    assert.ok(outcome !== undefined);
    return { outcome, turns };
  }
}

describe("an evaluation that foresees", () => {
  const hints = { ...INPUT, hints: true };

  it("asks in one round trip for what took five, once it has been there", () => {
    const daemon = new Daemon(true);
    assert.equal(daemon.evaluate(LONG_AGO, hints).turns, 5);
    daemon.nowMs += 5000;
    const { outcome, turns } = daemon.evaluate(LONG_AGO, hints);
    assert.deepEqual([outcome.result, outcome.lookups, turns], ["pass", 4, 1]);
  });

  it("takes nothing but questions from old answers, whatever the zones held and hold", () => {
    fc.assert(
      fc.property(hostileZone, hostileZone, hostileInput, (before, after, input) => {
        const [plain, foreseeing] = [new Daemon(false), new Daemon(true)];
        for (const daemon of [plain, foreseeing]) {
          daemon.evaluate(before, { ...input, hints: true });
          daemon.nowMs += 5000;
        }
        assert.deepEqual(
          foreseeing.evaluate(after, { ...input, hints: true }).outcome,
          plain.evaluate(after, { ...input, hints: true }).outcome,
        );
      }),
      RUNS,
    );
  });
});
