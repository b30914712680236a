import type { Answer, Question, Step } from "spf-check";
import { PIECE_WORK, workOf } from "./drive.ts";
import { questionKey } from "./messages.ts";

/** More is not worth asking early; an evaluation may ask as much at once. */
const QUESTIONS_MAX = 32;
/** How much of old answers is gone through, see {@link workOf}. */
const WORK_MAX = 500;

/** An answer as it was the last time. */
export interface Remembered {
  readonly answer: Answer;
  /** It may be used no more. */
  readonly isOver: boolean;
}

/**
 * The questions that an evaluation is going to ask, if what it asked the last time still leads where it led: the
 * evaluator is run on old answers, however old. Its result is thrown away, so nothing but time depends on them. A
 * record in a record in a record otherwise costs a round trip each.
 *
 * @param evaluator one that has not begun
 * @param recall the last answer to a question, as long as it is in memory
 */
export function foresee(
  evaluator: Generator<Step<unknown>, unknown, Answer | undefined>,
  recall: (question: Question) => Remembered | undefined,
): Question[] {
  const questions = new Map<string, Question>();
  const note = (question: Question): void => {
    if (questions.size < QUESTIONS_MAX) questions.set(questionKey(question), question);
  };
  let work = 0;
  let value: Answer | undefined;
  try {
    while (questions.size < QUESTIONS_MAX && work < WORK_MAX) {
      const next = evaluator.next(value);
      value = undefined;
      if (next.done === true) break;
      const step = next.value;
      if (step.kind === "hint") {
        for (const question of step.questions) if (recall(question)?.isOver !== false) note(question);
      } else if (step.kind === "ask") {
        const remembered = recall(step.question);
        if (remembered === undefined) break;
        if (remembered.isOver) note(step.question);
        value = remembered.answer;
        work += workOf(value);
      } else if (step.kind === "pause") {
        work += PIECE_WORK;
      }
    }
  } catch {
    // Whoever evaluates in earnest meets the same defect, and reports it.
  }
  return [...questions.values()];
}
