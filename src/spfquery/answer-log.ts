import type { Answer, AnswerSource, Pending, Question } from "spf-check";
import { questionKey } from "../dns/index.ts";

/** One question that went out, and how long its answer took. */
export interface LoggedAnswer {
  readonly question: Question;
  readonly answer: Answer;
  readonly elapsedMs: number;
}

/**
 * Between an evaluation and where its answers come from: it notes how long each takes, and remembers
 * them, so that a second look at the same domain asks nothing again.
 */
export class AnswerLog implements AnswerSource {
  readonly #source: AnswerSource;
  readonly #nowMs: () => number;
  readonly #answers = new Map<string, LoggedAnswer>();

  constructor(source: AnswerSource, nowMs: () => number) {
    this.#source = source;
    this.#nowMs = nowMs;
  }

  /** The questions that went out so far, in order. */
  get asked(): readonly LoggedAnswer[] {
    return [...this.#answers.values()];
  }

  /** What came of a question; undefined where it was not asked. */
  of(question: Question): LoggedAnswer | undefined {
    return this.#answers.get(questionKey(question));
  }

  ask(question: Question, done: (answer: Answer) => void): Answer | Pending {
    const known = this.of(question);
    if (known !== undefined) return known.answer;
    const beganMs = this.#nowMs();
    const note = (answer: Answer): Answer => {
      this.#answers.set(questionKey(question), { question, answer, elapsedMs: this.#nowMs() - beganMs });
      return answer;
    };
    const asked = this.#source.ask(question, (answer) => {
      done(note(answer));
    });
    return "cancel" in asked ? asked : note(asked);
  }
}
