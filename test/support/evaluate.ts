import type { Evaluation, EvaluationRequest, Evaluator } from "../../src/filter/index.ts";

/** Evaluates: `done` is told the verdict, known at once or later. The returned function cancels. */
export function evaluate(
  evaluator: Evaluator,
  request: EvaluationRequest,
  done: (evaluation: Evaluation) => void,
): () => void {
  const answer = evaluator.evaluate(request, done);
  if ("cancel" in answer) {
    return () => {
      answer.cancel();
    };
  }
  done(answer);
  return () => undefined;
}
