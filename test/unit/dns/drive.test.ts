import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Answer,
  type AnswerSource,
  checkHost,
  DEFAULT_INPUT,
  type Pending,
  type Question,
  type Step,
} from "spf-check";
import { drive, EarlyShares, withDeadline, withinOctets } from "../../../src/dns/index.ts";
import { promised } from "../../support/now-or-later.ts";
import { addressOf } from "../spf-check/support.ts";
import { keepingAlive } from "../verdicts/support.ts";

const CLIENT = {
  ip: addressOf("192.0.2.1"),
  domain: "long.test",
  sender: "a@long.test",
  helo: "h.test",
  nowSeconds: 0,
};

interface Result {
  readonly text: string;
}
type Evaluator = Generator<Step<Result>, Result, Answer | undefined>;

const question = (name: string): Question => ({ name, type: "TXT" });
const found = (text: string): Answer => ({ status: "found", records: [text], ttlSeconds: 60 });
const textOf = (answer: Answer | undefined): string =>
  answer?.status === "found" ? (answer.records as readonly string[]).join() : String(answer?.status);

/** Answers in memory for the names given; other questions wait for `answer()`. */
class FakeSource implements AnswerSource {
  readonly asked: string[] = [];
  readonly cancelled: string[] = [];
  readonly #memory: Readonly<Record<string, Answer>>;
  readonly #waiting: { name: string; done: (answer: Answer) => void }[] = [];

  constructor(memory: Readonly<Record<string, Answer>> = {}) {
    this.#memory = memory;
  }

  ask({ name }: Question, done: (answer: Answer) => void): Answer | Pending {
    this.asked.push(name);
    const known = this.#memory[name];
    if (known !== undefined) return known;
    this.#waiting.push({ name, done });
    return { cancel: () => this.cancelled.push(name) };
  }

  answer(name: string, answer: Answer): void {
    const at = this.#waiting.findIndex((entry) => entry.name === name);
    const [entry] = this.#waiting.splice(at, 1);
    assert.ok(entry !== undefined && at >= 0, `${name} is not waited for`);
    entry.done(answer);
  }
}

/** What was returned at once, or came later. */
function start(
  evaluator: Evaluator,
  source: AnswerSource,
): { results: string[]; returned: boolean; cancel: () => void } {
  const results: string[] = [];
  const take = ({ text }: Result): void => {
    results.push(text);
  };
  const ended = drive<Result>(
    evaluator,
    { source, onThrow: (error) => ({ text: `thrown: ${String(error)}` }) },
    take,
  );
  if (!("cancel" in ended)) {
    take(ended);
    return { results, returned: true, cancel: () => undefined };
  }
  return {
    results,
    returned: false,
    cancel: () => {
      ended.cancel();
    },
  };
}

function* askAll(...names: string[]): Evaluator {
  const texts: string[] = [];
  for (const name of names) texts.push(textOf(yield { kind: "ask", question: question(name) }));
  return { text: texts.join(" ") };
}

describe("drive", () => {
  it("returns the result where all answers are in memory", () => {
    const source = new FakeSource({ a: found("1"), b: found("2") });
    const { results, returned } = start(askAll("a", "b"), source);
    assert.deepEqual([results, returned], [["1 2"], true]);
  });

  it("does not grow the stack with the number of questions in memory", () => {
    const source = new FakeSource({ a: { status: "found", records: [], ttlSeconds: 60 } });
    const names = Array<string>(100_000).fill("a");
    assert.equal(start(askAll(...names), source).results[0]?.length, 99_999);
  });

  it("goes on with each answer as it comes", () => {
    const source = new FakeSource({ b: found("2") });
    const { results } = start(askAll("a", "b", "c"), source);
    assert.deepEqual([results, source.asked], [[], ["a"]]);
    source.answer("a", found("1"));
    assert.deepEqual([results, source.asked], [[], ["a", "b", "c"]]);
    source.answer("c", { status: "nxdomain", ttlSeconds: 1 });
    assert.deepEqual(results, ["1 2 nxdomain"]);
  });

  it("asks hinted questions early, each once, and counts on their answers", () => {
    function* evaluator(): Evaluator {
      yield { kind: "hint", questions: [question("a"), question("B"), question("a"), question("d")] };
      return yield* askAll("a", "b", "c", "a");
    }
    const source = new FakeSource({ a: found("1") });
    const { results } = start(evaluator(), source);
    assert.deepEqual(source.asked, ["a", "B", "d"]);
    source.answer("B", found("2"));
    assert.deepEqual(source.asked, ["a", "B", "d", "c"]);
    source.answer("c", found("3"));
    assert.deepEqual(results, ["1 2 3 1"]);
  });

  it("uses an early answer that came before its question", () => {
    function* evaluator(): Evaluator {
      yield { kind: "hint", questions: [question("b")] };
      return yield* askAll("a", "b");
    }
    const source = new FakeSource();
    const { results } = start(evaluator(), source);
    source.answer("b", { status: "fault", problem: "early" });
    source.answer("a", found("1"));
    assert.deepEqual(results, ["1 fault"]);
    assert.deepEqual(source.asked, ["b", "a"]);
  });

  it("drops early questions that were not needed", () => {
    function* evaluator(): Evaluator {
      yield { kind: "hint", questions: [question("b"), question("c")] };
      return yield* askAll("a");
    }
    const source = new FakeSource({ b: found("2") });
    const { results } = start(evaluator(), source);
    source.answer("a", found("1"));
    assert.deepEqual(results, ["1"]);
    assert.ok(source.cancelled.includes("c") && !source.cancelled.includes("b"));
    source.answer("c", found("late"));
    assert.deepEqual(results, ["1"]);
  });

  describe("with foresight", () => {
    const foreseeing = (
      source: FakeSource,
      names: readonly string[],
    ): { calls: number; results: string[] } => {
      const seen = { calls: 0, results: [] as string[] };
      const take = ({ text }: Result): void => {
        seen.results.push(text);
      };
      const options = {
        source,
        foresee: () => {
          seen.calls++;
          return ["c", "a", "d"].map(question);
        },
        onThrow: (error: unknown) => ({ text: String(error) }),
      };
      const ended = drive<Result>(askAll(...names), options, take);
      if (!("cancel" in ended)) take(ended);
      return seen;
    };

    it("asks early when it has to wait first, and for nothing twice", () => {
      const source = new FakeSource({ first: found("0") });
      const seen = foreseeing(source, ["first", "a", "b", "c"]);
      assert.deepEqual(source.asked, ["first", "a", "c", "d"]);
      source.answer("c", found("3"));
      source.answer("a", found("1"));
      source.answer("b", found("2"));
      assert.deepEqual(
        [seen, source.asked],
        [{ calls: 1, results: ["0 1 2 3"] }, ["first", "a", "c", "d", "b"]],
      );
      assert.deepEqual(source.cancelled, ["d"]);
    });

    it("has none where all answers are in memory", () => {
      const source = new FakeSource({ a: found("1"), b: found("2") });
      assert.deepEqual(foreseeing(source, ["a", "b"]), { calls: 0, results: ["1 2"] });
    });
  });

  it("stops when it is cancelled", () => {
    const source = new FakeSource();
    const { results, cancel } = start(askAll("a", "b"), source);
    cancel();
    cancel();
    assert.deepEqual(source.cancelled, ["a"]);
    source.answer("a", found("1"));
    assert.deepEqual([results, source.asked], [[], ["a"]]);
  });

  it("calls nothing when it is cancelled in the tick of an early answer", () => {
    function* evaluator(): Evaluator {
      yield { kind: "hint", questions: [question("b")] };
      return yield* askAll("b");
    }
    const source = new FakeSource();
    const { results, cancel } = start(evaluator(), source);
    cancel();
    source.answer("b", found("2"));
    assert.deepEqual([results, source.cancelled], [[], ["b"]]);
  });

  it("makes a result of what the evaluator throws, at the start and later", () => {
    function* broken(): Evaluator {
      yield* askAll("a");
      throw new Error("bug");
    }
    assert.deepEqual(start(broken(), new FakeSource({ a: found("1") })).results, ["thrown: Error: bug"]);
    const source = new FakeSource();
    const { results } = start(broken(), source);
    source.answer("a", found("1"));
    assert.deepEqual(results, ["thrown: Error: bug"]);
  });
});

describe("EarlyShares", () => {
  function* hinting(count: number): Evaluator {
    yield { kind: "hint", questions: Array.from({ length: count }, (_, i) => question(`h${i}`)) };
    return yield* askAll("h0", "needed");
  }
  const startWith = (shares: EarlyShares, key: string, source: FakeSource): { cancel: () => void } => {
    const options = {
      source,
      early: { shares, key },
      onThrow: (error: unknown) => ({ text: String(error) }),
    };
    const ended = drive<Result>(hinting(10), options, () => undefined);
    assert.ok("cancel" in ended);
    return ended;
  };

  it("bounds what is asked early for one evaluation, one key and all; what is needed is always asked", () => {
    const shares = new EarlyShares(8, 5, 3);
    const asked = (key: string): number => {
      const source = new FakeSource();
      startWith(shares, key, source);
      return source.asked.length;
    };
    // Of the last, h0 is asked because it is needed.
    assert.deepEqual([asked("a"), asked("a"), asked("a"), asked("b"), asked("c")], [3, 2, 1, 3, 1]);
  });

  it("gives back what is answered, needed no more or cancelled", () => {
    const shares = new EarlyShares(4, 4, 4);
    const source = new FakeSource({ h1: found("1") });
    const run = startWith(shares, "a", source);
    assert.deepEqual(source.asked, ["h0", "h1", "h2", "h3", "h4"], "what is in memory takes nothing");
    source.answer("h0", found("1"));
    assert.equal(source.asked.at(-1), "needed");
    const other = new FakeSource();
    startWith(shares, "b", other).cancel();
    assert.equal(other.asked.length, 1);
    run.cancel();
    const last = new FakeSource();
    startWith(shares, "b", last);
    assert.equal(last.asked.length, 4);
  });
});

describe("drive, what was asked early", () => {
  const long = found("x".repeat(10_000));
  function* hintingAndAsking(...names: readonly string[]): Evaluator {
    yield { kind: "hint", questions: ["late", ...names].map(question) };
    return yield* askAll("late", ...names);
  }

  it("is asked for again where its answer is large and was not needed at once", () => {
    const source = new FakeSource();
    const { results } = start(hintingAndAsking("large", "small"), source);
    source.answer("large", long);
    source.answer("small", found("1"));
    source.answer("late", found("2"));
    assert.deepEqual([results, source.asked.slice(3)], [[], ["large"]]);
    source.answer("large", long);
    assert.equal(results.length, 1);
    assert.deepEqual(source.asked, ["late", "large", "small", "large"]);
  });

  it("is not asked for again where it was waited for", () => {
    const source = new FakeSource();
    const { results } = start(hintingAndAsking("large"), source);
    source.answer("late", found("2"));
    source.answer("large", long);
    assert.deepEqual([results.length, source.asked], [1, ["late", "large"]]);
  });
});

describe("withDeadline", () => {
  it("gives a fault for what is not answered in time, and ends the wait for it", async () => {
    const source = new FakeSource({ a: found("1") });
    let nowMs = 0;
    const limited = withDeadline(source, 20, () => nowMs);
    assert.deepEqual(
      limited.ask(question("a"), () => assert.fail()),
      found("1"),
    );
    const late = await keepingAlive(promised<Answer>((done) => limited.ask(question("b"), done)));
    assert.deepEqual(late, {
      status: "fault",
      problem: "out of time for DNS lookups",
      cause: "deadline",
    });
    assert.deepEqual(source.cancelled, ["b"]);
    nowMs = 20;
    assert.deepEqual(
      limited.ask(question("c"), () => assert.fail()),
      late,
    );
    assert.deepEqual(source.asked, ["a", "b"]);
  });

  it("passes answers and cancels on", () => {
    const source = new FakeSource();
    const limited = withDeadline(source, performance.now() + 60_000);
    const answers: Answer[] = [];
    const first = limited.ask(question("a"), (answer) => answers.push(answer));
    const second = limited.ask(question("b"), (answer) => answers.push(answer));
    source.answer("a", found("1"));
    assert.ok("cancel" in first && "cancel" in second);
    second.cancel();
    assert.deepEqual([answers, source.cancelled], [[found("1")], ["b"]]);
  });
});

describe("withinOctets", () => {
  it("gives faults once the answers together are larger, whether they come at once or later", () => {
    const source = new FakeSource({ a: found("x".repeat(500)), b: found("x".repeat(500)) });
    const limited = withinOctets(source, 800);
    const answers: Answer[] = [];
    const ask = (name: string): void => {
      const asked = limited.ask(question(name), (answer) => answers.push(answer));
      if (!("cancel" in asked)) answers.push(asked);
    };
    for (const name of ["a", "late", "b"]) ask(name);
    source.answer("late", found("1"));
    assert.deepEqual(
      answers.map(({ status }) => status),
      ["found", "fault", "fault"],
    );
  });
});

describe("drive with much work", () => {
  const many: Answer = { status: "found", records: Array<string>(900).fill("x"), ttlSeconds: 60 };
  const names = Array<string>(10).fill("a");
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it("gives others a turn between two answers", async () => {
    const { results, returned } = start(askAll(...names), new FakeSource({ a: many }));
    assert.deepEqual([returned, results], [false, []]);
    for (let turns = 0; turns < 5; turns++) await turn();
    assert.equal(results.length, 1);
  });

  it("gives others a turn between the pieces of a record", async () => {
    const evaluator = function* (): Evaluator {
      const run = checkHost({ ...DEFAULT_INPUT, ...CLIENT });
      let step = run.next();
      while (step.done !== true) {
        const { value } = step;
        step = run.next(value.kind === "known" ? undefined : yield value);
      }
      return { text: step.value.mechanism ?? step.value.result };
    };
    const record = `v=spf1${" ip6:::".repeat(9_000)} ip4:192.0.2.1`;
    const { results, returned } = start(evaluator(), new FakeSource({ "long.test": found(record) }));
    assert.equal(returned, false);
    let turns = 0;
    for (; results.length === 0 && turns < 100; turns++) await turn();
    assert.deepEqual(results, ["ip4:192.0.2.1"]);
    // Sixteen pieces, two at a time.
    assert.ok(turns >= 5, `${turns} turns`);
  });

  it("can be cancelled in between", async () => {
    const { results, cancel } = start(askAll(...names), new FakeSource({ a: many }));
    cancel();
    for (let turns = 0; turns < 5; turns++) await turn();
    assert.deepEqual(results, []);
  });
});

describe("drive, the client's own names", () => {
  it("gives them five seconds in all, and what else is asked its own time", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const source = new FakeSource();
    const { results } = start(
      (function* (): Evaluator {
        const texts: string[] = [];
        for (const name of ["ptr", "a1", "a2"]) {
          texts.push(textOf(yield { kind: "ask", question: question(name), ofClient: true }));
        }
        texts.push(textOf(yield { kind: "ask", question: question("mx") }));
        texts.push(textOf(yield { kind: "ask", question: question("a3"), ofClient: true }));
        return { text: texts.join(" ") };
      })(),
      source,
    );
    t.mock.timers.tick(4_000);
    source.answer("ptr", found("name"));
    t.mock.timers.tick(999);
    assert.deepEqual(source.cancelled, []);
    t.mock.timers.tick(1);
    assert.deepEqual(source.cancelled, ["a1"]);
    assert.deepEqual(source.asked, ["ptr", "a1", "mx"]);
    t.mock.timers.tick(15_000);
    assert.deepEqual(results, []);
    source.answer("mx", found("mail"));
    assert.deepEqual(results, ["name fault fault mail fault"]);
    assert.deepEqual(source.asked, ["ptr", "a1", "mx"]);
  });

  it("ends the wait with the evaluation", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const source = new FakeSource();
    const { results, cancel } = start(
      (function* (): Evaluator {
        yield { kind: "ask", question: question("ptr"), ofClient: true };
        return { text: "" };
      })(),
      source,
    );
    cancel();
    t.mock.timers.tick(10_000);
    assert.deepEqual([results, source.cancelled], [[], ["ptr"]]);
  });
});
