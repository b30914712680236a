import type { Answer, AnswerSource, Pending, Question, Step } from "spf-check";
import { questionKey } from "./messages.ts";

/** How an evaluation is run. */
export interface DriveOptions<Result> {
  readonly source: AnswerSource;
  /** Makes a result of what the evaluator threw, and tells it to the operator. Must not throw. */
  readonly onThrow: (error: unknown) => Result;
}

/**
 * Runs an evaluator to its end: hands it the answers it asks for, and asks early for what it hints at, each question
 * once. Where all answers are known at once the result is returned; else `done` is called with it later, unless the
 * evaluation was cancelled. Early questions that were not needed are dropped at the end.
 */
export function drive<Result extends object>(
  evaluator: Generator<Step, Result, Answer | undefined>,
  options: DriveOptions<Result>,
  done: (result: Result) => void,
): Result | Pending {
  const run = new Run(evaluator, options, done);
  return run.resume(undefined) ?? run;
}

/** A question that was asked because of a hint and is not answered yet. */
interface EarlyQuestion {
  readonly pending: Pending;
  /** The evaluator has come to the question itself. */
  needed: boolean;
}

class Run<Result extends object> implements Pending {
  readonly #evaluator: Generator<Step, Result, Answer | undefined>;
  readonly #options: DriveOptions<Result>;
  readonly #done: (result: Result) => void;
  #early: Map<string, EarlyQuestion | Answer> | undefined;
  #pending: Pending | undefined;
  #ended = false;

  constructor(
    evaluator: Generator<Step, Result, Answer | undefined>,
    options: DriveOptions<Result>,
    done: (result: Result) => void,
  ) {
    this.#evaluator = evaluator;
    this.#options = options;
    this.#done = done;
  }

  /** Goes on as long as answers are known, in a loop: no stack grows with the number of questions. */
  resume(answer: Answer | undefined): Result | undefined {
    let value = answer;
    for (;;) {
      const next = this.#next(value);
      if (next.done === true) {
        this.cancel();
        return next.value;
      }
      value = undefined;
      if (next.value.kind === "hint") {
        for (const question of next.value.questions) this.#askEarly(question);
        continue;
      }
      value = this.#ask(next.value.question);
      if (value === undefined) return undefined;
    }
  }

  /** Ends every wait; nothing is called any more. */
  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#pending?.cancel();
    if (this.#early === undefined) return;
    for (const early of this.#early.values()) if ("pending" in early) early.pending.cancel();
    this.#early = undefined;
  }

  readonly #answered = (answer: Answer): void => {
    if (this.#ended) return;
    this.#pending = undefined;
    const result = this.resume(answer);
    if (result !== undefined) this.#done(result);
  };

  #next(value: Answer | undefined): IteratorResult<Step, Result> {
    try {
      return this.#evaluator.next(value);
    } catch (error) {
      return { done: true, value: this.#options.onThrow(error) };
    }
  }

  /** Undefined where the answer comes later. */
  #ask(question: Question): Answer | undefined {
    const early = this.#early?.get(questionKey(question));
    if (early === undefined) {
      const answer = this.#options.source.ask(question, this.#answered);
      if (!("cancel" in answer)) return answer;
      this.#pending = answer;
      return undefined;
    }
    if (!("pending" in early)) return early;
    early.needed = true;
    return undefined;
  }

  #askEarly(question: Question): void {
    const early = (this.#early ??= new Map<string, EarlyQuestion | Answer>());
    const key = questionKey(question);
    if (early.has(key)) return;
    const asked = this.#options.source.ask(question, (answer) => {
      const { needed } = early.get(key) as EarlyQuestion;
      early.set(key, answer);
      if (needed) this.#answered(answer);
    });
    early.set(key, "cancel" in asked ? { pending: asked, needed: false } : asked);
  }
}

const OUT_OF_TIME: Answer = { status: "fault", problem: "out of time for DNS lookups" };

/** The same source; from the deadline on, on the clock of `nowMs`, what is not answered is a fault. */
export function withDeadline(
  source: AnswerSource,
  deadlineMs: number,
  nowMs: () => number = () => performance.now(),
): AnswerSource {
  return {
    ask(question, done) {
      const restMs = deadlineMs - nowMs();
      if (restMs <= 0) return OUT_OF_TIME;
      const asked = source.ask(question, (answer) => {
        clearTimeout(timer);
        done(answer);
      });
      if (!("cancel" in asked)) return asked;
      const timer = setTimeout(() => {
        asked.cancel();
        done(OUT_OF_TIME);
      }, restMs).unref();
      return {
        cancel: () => {
          clearTimeout(timer);
          asked.cancel();
        },
      };
    },
  };
}
