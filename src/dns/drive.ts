import type { Answer, AnswerSource, Pending, PendingResult, Question, Step } from "spf-check";
import { recordOctets } from "./kept-answers.ts";
import { questionKey } from "./messages.ts";

/** How an evaluation is run. */
export interface DriveOptions<Result> {
  readonly source: AnswerSource;
  /** What may be asked early; as much as is hinted at where nothing is given. */
  readonly early?: EarlyAllowance;
  /** What it is going to ask, most likely: called when it has to wait first, and asked early as a hint is. */
  readonly foresee?: () => readonly Question[];
  /** Makes a result of what the evaluator threw, and reports it. Must not throw. */
  readonly onThrow: (error: unknown) => Result;
}

/**
 * The time of what follows a known result, in milliseconds of waiting: local rules and guess rules, and the
 * explanation of the domain. Its lookups are faults afterwards.
 */
const TIME_MS = { rules: 5000, explanation: 2000 } as const;

/**
 * The time of the client's own names, in milliseconds from the first wait for one: the sender of the mail owns them, and
 * could use up LookupTime with them. What is asked of them afterwards is a fault, which means no name (RFC 7208 section
 * 5.5).
 */
const CLIENT_NAMES_MS = 5000;

/** How much work is done in one go before everybody else has a turn, in the unit of {@link workOf}. */
const SLICE_WORK = 2000;
/** What a piece of a record costs the evaluator. */
export const PIECE_WORK = 1000;

const OUT_OF_TIME: Answer = { status: "fault", problem: "out of time for DNS lookups", cause: "deadline" };

/**
 * Runs an evaluator to its end: hands it the answers it asks for, and asks early for what it hints at, each question
 * once. Where all answers are known at once, and take little work, the result is returned; else `done` is called with
 * it later, unless the evaluation was cancelled. Early questions that were not needed are dropped at the end.
 */
export function drive<Result extends object>(
  evaluator: Generator<Step<Result>, Result, Answer | undefined>,
  options: DriveOptions<Result>,
  done: (result: Result) => void,
): Result | PendingResult<Result> {
  const run = new Run(evaluator, options, done);
  return run.resume(undefined) ?? run;
}

/** Questions that one evaluation may ask early and has not got answers to yet. */
export interface EarlyAllowance {
  readonly shares: EarlyShares;
  /** Who has a share. */
  readonly key: string;
}

/**
 * How many questions are asked early at once: by all, by one key, by one evaluation. A hint that finds its share
 * taken is dropped, and the question asked once it is needed. So a domain with includes of silent names slows
 * down nobody but itself: a question that is needed never waits for one that was only hinted at.
 */
export class EarlyShares {
  readonly #max: number;
  readonly #perKeyMax: number;
  readonly #perKey = new Map<string, number>();
  #count = 0;
  readonly perEvaluationMax: number;

  constructor(max = 3072, perKeyMax = 384, perEvaluationMax = 32) {
    this.#max = max;
    this.#perKeyMax = perKeyMax;
    this.perEvaluationMax = perEvaluationMax;
  }

  take(key: string): boolean {
    const count = this.#perKey.get(key) ?? 0;
    if (this.#count >= this.#max || count >= this.#perKeyMax) return false;
    this.#count++;
    this.#perKey.set(key, count + 1);
    return true;
  }

  give(key: string): void {
    this.#count--;
    const count = (this.#perKey.get(key) ?? 1) - 1;
    if (count === 0) this.#perKey.delete(key);
    else this.#perKey.set(key, count);
  }
}

/**
 * A larger answer is not held until it is needed, but asked for again then: thousands of evaluations may wait for
 * something else meanwhile.
 */
const EARLY_OCTETS_MAX = 4096;

/** A question that was asked because of a hint and is not answered yet. */
interface EarlyQuestion {
  readonly pending: Pending;
  /** The evaluator has come to the question itself. */
  needed: boolean;
}

class Run<Result extends object> implements PendingResult<Result> {
  known: Result | undefined;
  readonly #evaluator: Generator<Step<Result>, Result, Answer | undefined>;
  readonly #options: DriveOptions<Result>;
  readonly #done: (result: Result) => void;
  #early: Map<string, EarlyQuestion | Answer> | undefined;
  #earlyCount = 0;
  /** What the evaluator waits for. */
  #pending: Pending | undefined;
  #phase: keyof typeof TIME_MS | undefined;
  /** Runs while something is waited for in a phase that has a time of its own. */
  #timer: NodeJS.Timeout | undefined;
  #outOfTime = false;
  /** What is waited for is a name of the client. */
  #awaitsClient = false;
  #clientTimer: NodeJS.Timeout | undefined;
  #clientOutOfTime = false;
  #hasForeseen = false;
  #ended = false;

  constructor(
    evaluator: Generator<Step<Result>, Result, Answer | undefined>,
    options: DriveOptions<Result>,
    done: (result: Result) => void,
  ) {
    this.#evaluator = evaluator;
    this.#options = options;
    this.#done = done;
  }

  /** Goes on as long as answers are known, in a loop: no stack grows with the number of questions. */
  resume(answer: Answer | undefined): Result | undefined {
    let work = 0;
    let value = answer;
    for (;;) {
      const next = this.#next(value);
      if (next.done === true) {
        this.cancel();
        return next.value;
      }
      const step = next.value;
      value = undefined;
      if (step.kind === "hint") {
        for (const question of step.questions) this.#askEarly(question);
      } else if (step.kind === "known") {
        this.#beginPhase(step);
      } else if (step.kind === "pause") {
        work += PIECE_WORK;
        if (work > SLICE_WORK) {
          this.#pending = inNextTurn(undefined, this.#answered);
          return undefined;
        }
      } else {
        value = this.#clientOutOfTime && step.ofClient === true ? OUT_OF_TIME : this.#ask(step.question);
        if (value === undefined) {
          this.#askForeseen(step.question);
          this.#startTimer();
          this.#awaitsClient = step.ofClient === true;
          if (this.#awaitsClient) this.#startClientTimer();
          return undefined;
        }
        work += workOf(value);
        if (work > SLICE_WORK) {
          this.#pending = inNextTurn(value, this.#answered);
          return undefined;
        }
      }
    }
  }

  /** Ends every wait; nothing is called any more. */
  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#clientTimer);
    this.#pending?.cancel();
    if (this.#early === undefined) return;
    for (const early of this.#early.values()) {
      if (!("pending" in early)) continue;
      early.pending.cancel();
      this.#give();
    }
    this.#early = undefined;
  }

  readonly #answered = (answer: Answer | undefined): void => {
    if (this.#ended) return;
    this.#pending = undefined;
    this.#awaitsClient = false;
    const result = this.resume(answer);
    if (result !== undefined) this.#done(result);
  };

  #next(value: Answer | undefined): IteratorResult<Step<Result>, Result> {
    try {
      return this.#evaluator.next(value);
    } catch (error) {
      return { done: true, value: this.#options.onThrow(error) };
    }
  }

  #beginPhase({ result, next }: Extract<Step<Result>, { kind: "known" }>): void {
    this.known = result;
    this.#phase = next;
    this.#outOfTime = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #startTimer(): void {
    if (this.#phase === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#outOfTime = true;
      this.#pending?.cancel();
      this.#answered(OUT_OF_TIME);
    }, TIME_MS[this.#phase]).unref();
  }

  #startClientTimer(): void {
    this.#clientTimer ??= setTimeout(() => {
      this.#clientOutOfTime = true;
      if (!this.#awaitsClient || this.#pending === undefined) return;
      this.#pending.cancel();
      this.#answered(OUT_OF_TIME);
    }, CLIENT_NAMES_MS).unref();
  }

  /** Undefined where the answer comes later. */
  #ask(question: Question): Answer | undefined {
    if (this.#outOfTime) return OUT_OF_TIME;
    const early = this.#early?.get(questionKey(question));
    if (early === undefined) {
      const answer = this.#options.source.ask(question, this.#answered);
      if (!("cancel" in answer)) return answer;
      this.#pending = answer;
      return undefined;
    }
    if (!("pending" in early)) return early;
    early.needed = true;
    this.#pending = {
      cancel: () => {
        early.needed = false;
      },
    };
    return undefined;
  }

  #askForeseen(waitedFor: Question): void {
    const { foresee } = this.#options;
    if (foresee === undefined || this.#hasForeseen) return;
    this.#hasForeseen = true;
    const key = questionKey(waitedFor);
    for (const question of foresee()) if (questionKey(question) !== key) this.#askEarly(question);
  }

  #askEarly(question: Question): void {
    const early = (this.#early ??= new Map<string, EarlyQuestion | Answer>());
    const key = questionKey(question);
    if (this.#outOfTime || early.has(key) || !this.#take()) return;
    const hold = (answer: Answer): void => {
      const octets = answer.status === "found" ? recordOctets(answer.records) : 0;
      if (octets <= EARLY_OCTETS_MAX) early.set(key, answer);
      else early.delete(key);
    };
    const asked = this.#options.source.ask(question, (answer) => {
      const { needed } = early.get(key) as EarlyQuestion;
      hold(answer);
      this.#give();
      if (needed) this.#answered(answer);
    });
    if ("cancel" in asked) {
      early.set(key, { pending: asked, needed: false });
    } else {
      hold(asked);
      this.#give();
    }
  }

  #take(): boolean {
    const { early } = this.#options;
    if (early === undefined) return true;
    if (this.#earlyCount >= early.shares.perEvaluationMax || !early.shares.take(early.key)) return false;
    this.#earlyCount++;
    return true;
  }

  #give(): void {
    const { early } = this.#options;
    if (early === undefined) return;
    this.#earlyCount--;
    early.shares.give(early.key);
  }
}

/** What an answer costs the evaluator, in records; 32 octets of a text count as one. */
export function workOf(answer: Answer): number {
  if (answer.status !== "found") return 1;
  const [first] = answer.records;
  return answer.records.length + (typeof first === "string" ? first.length >> 5 : 0);
}

/** Goes on once what else is there has had its turn. */
function inNextTurn(answer: Answer | undefined, done: (answer: Answer | undefined) => void): Pending {
  const turn = setImmediate(done, answer);
  return {
    cancel: () => {
      clearImmediate(turn);
    },
  };
}

/** The same source; from the deadline on, on the clock of `nowMs`, what is not answered is a fault. */
export function withDeadline(
  source: AnswerSource,
  deadlineMs: number,
  nowMs: () => number = () => performance.now(),
): AnswerSource {
  return {
    ask(question, done) {
      const restMs = deadlineMs - nowMs();
      // A timer may come up to a millisecond early.
      if (restMs < 1) return OUT_OF_TIME;
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

/** The same source, for what is to be shown whole: once its answers together take more octets, all is a fault. */
export function withinOctets(source: AnswerSource, octetsMax: number): AnswerSource {
  let octets = 0;
  const limited = (answer: Answer): Answer => {
    if (answer.status === "found") octets += recordOctets(answer.records);
    return octets > octetsMax
      ? { status: "fault", problem: "more than is shown here; spfquery shows it" }
      : answer;
  };
  return {
    ask(question, done) {
      const asked = source.ask(question, (answer) => {
        done(limited(answer));
      });
      return "cancel" in asked ? asked : limited(asked);
    },
  };
}
