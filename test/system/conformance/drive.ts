import {
  type Answer,
  type CheckHostInput,
  checkHost,
  type Outcome,
  type Question,
  type Step,
} from "spf-check";

/** An outcome and all that was asked and offered on the way to it. */
export interface Driven {
  readonly outcome: Outcome;
  readonly questions: readonly Question[];
  readonly hints: readonly (readonly Question[])[];
  /** What was known before local rules and the explanation were evaluated. */
  readonly known: readonly Known[];
}

type Known = Extract<Step, { kind: "known" }>;

/** Runs check_host() to its end, synchronously; `onHint` hears of the questions that may come. */
export function drive(
  input: CheckHostInput,
  answer: (question: Question) => Answer,
  onHint?: (questions: readonly Question[]) => void,
): Driven {
  const questions: Question[] = [];
  const hints: (readonly Question[])[] = [];
  const known: Known[] = [];
  const evaluation = checkHost(input);
  let step = evaluation.next();
  while (step.done !== true) {
    switch (step.value.kind) {
      case "ask":
        questions.push(step.value.question);
        step = evaluation.next(answer(step.value.question));
        continue;
      case "hint":
        hints.push(step.value.questions);
        onHint?.(step.value.questions);
        break;
      case "known":
        known.push(step.value);
        break;
      case "pause":
    }
    step = evaluation.next();
  }
  return { outcome: step.value, questions, hints, known };
}
