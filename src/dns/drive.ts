import type { Answer, AnswerSource, Question, Step } from "spf-check";

/** How an evaluation is run. */
export interface DriveOptions<Result> {
  readonly source: AnswerSource;
  /** On the clock of `performance.now()`, for every question of this evaluation. */
  readonly deadlineMs: number;
  /** Makes a result of what the evaluator threw, and tells it to the operator. Must not throw. */
  readonly onThrow: (error: unknown) => Result;
}

/**
 * Runs an evaluator to its end: hands it the answers it asks for, and asks early for what it hints at, each question
 * once. `done` is called exactly once, before `drive` returns where all answers are in memory, and never after the
 * returned cancel function was called. Early questions that were not needed are dropped at the end.
 */
export function drive<Result>(
  evaluator: Generator<Step, Result, Answer | undefined>,
  options: DriveOptions<Result>,
  done: (result: Result) => void,
): () => void {
  const run = new Run(evaluator, options, done);
  run.resume(undefined);
  return () => {
    run.cancel();
  };
}

/** A question that was asked because of a hint. */
interface EarlyQuestion {
  answer: Answer | undefined;
  /** Set once the evaluator has come to the question itself. */
  needed: ((answer: Answer) => void) | undefined;
  cancel: (() => void) | undefined;
}

class Run<Result> {
  readonly #evaluator: Generator<Step, Result, Answer | undefined>;
  readonly #options: DriveOptions<Result>;
  readonly #done: (result: Result) => void;
  #early: Map<string, EarlyQuestion> | undefined;
  #cancelAsk: (() => void) | undefined;
  #ended = false;
  /** True while the loop below runs: an answer then is picked up by it instead of starting another. */
  #looping = false;
  #inbox: Answer | undefined;

  constructor(
    evaluator: Generator<Step, Result, Answer | undefined>,
    options: DriveOptions<Result>,
    done: (result: Result) => void,
  ) {
    this.#evaluator = evaluator;
    this.#options = options;
    this.#done = done;
  }

  /** Goes on as long as answers are in memory, in a loop: no stack grows with the number of questions. */
  resume(answer: Answer | undefined): void {
    let value = answer;
    for (;;) {
      const next = this.#next(value);
      if (next.done === true) {
        this.#stop();
        this.#done(next.value);
        return;
      }
      value = undefined;
      if (next.value.kind === "hint") {
        for (const question of next.value.questions) this.#askEarly(question);
        continue;
      }
      this.#looping = true;
      this.#ask(next.value.question);
      this.#looping = false;
      value = this.#inbox;
      if (value === undefined || this.#ended) return;
      this.#inbox = undefined;
    }
  }

  cancel(): void {
    if (!this.#ended) this.#stop();
  }

  #next(value: Answer | undefined): IteratorResult<Step, Result> {
    try {
      return this.#evaluator.next(value);
    } catch (error) {
      return { done: true, value: this.#options.onThrow(error) };
    }
  }

  #ask(question: Question): void {
    const answered = (answer: Answer): void => {
      if (this.#looping) this.#inbox = answer;
      else if (!this.#ended) this.resume(answer);
    };
    const early = this.#early?.get(keyOf(question));
    if (early === undefined) {
      this.#cancelAsk = this.#options.source.ask(question, this.#options.deadlineMs, answered);
    } else if (early.answer !== undefined) {
      answered(early.answer);
    } else {
      early.needed = answered;
    }
  }

  #askEarly(question: Question): void {
    this.#early ??= new Map();
    const key = keyOf(question);
    if (this.#early.has(key)) return;
    const early: EarlyQuestion = { answer: undefined, needed: undefined, cancel: undefined };
    this.#early.set(key, early);
    early.cancel = this.#options.source.ask(question, this.#options.deadlineMs, (answer) => {
      early.answer = answer;
      early.needed?.(answer);
    });
  }

  #stop(): void {
    this.#ended = true;
    this.#cancelAsk?.();
    if (this.#early === undefined) return;
    for (const early of this.#early.values()) if (early.answer === undefined) early.cancel?.();
    this.#early = undefined;
  }
}

/** DNS compares names without regard to case (RFC 4343); 8-bit names are never sent. */
function keyOf({ type, name }: Question): string {
  return `${type} ${name.toLowerCase()}`;
}
