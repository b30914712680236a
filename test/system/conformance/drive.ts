import { type Answer, type CheckHostInput, checkHost, type Outcome, type Question } from "spf-check";

/** An outcome and all that was asked and offered on the way to it. */
export interface Driven {
  readonly outcome: Outcome;
  readonly questions: readonly Question[];
  readonly hints: readonly (readonly Question[])[];
}

/** Runs check_host() to its end, synchronously; `onHint` hears of the questions that may come. */
export function drive(
  input: CheckHostInput,
  answer: (question: Question) => Answer,
  onHint?: (questions: readonly Question[]) => void,
): Driven {
  const questions: Question[] = [];
  const hints: (readonly Question[])[] = [];
  const evaluation = checkHost(input);
  let step = evaluation.next();
  while (step.done !== true) {
    if (step.value.kind === "hint") {
      hints.push(step.value.questions);
      onHint?.(step.value.questions);
      step = evaluation.next();
    } else {
      questions.push(step.value.question);
      step = evaluation.next(answer(step.value.question));
    }
  }
  return { outcome: step.value, questions, hints };
}
