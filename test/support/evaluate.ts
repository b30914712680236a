import { parseIpAddress } from "../../src/address/index.ts";
import type { Evaluation, EvaluationRequest, Evaluator } from "../../src/filter/index.ts";
import { nowOrLater, promised } from "./now-or-later.ts";

/** Evaluates: `done` is told the verdict, known at once or later. The returned function cancels. */
export function evaluate(
  evaluator: Evaluator,
  request: EvaluationRequest,
  done: (evaluation: Evaluation) => void,
): () => void {
  return nowOrLater((later) => evaluator.evaluate(request, later), done);
}

/**
 * The verdict on mail of `user@domain` from 192.0.2.1, known at once or later.
 *
 * @param waitMs the time that it may take
 */
export function verdictOf(evaluator: Evaluator, domain: string, waitMs = 10_000): Promise<Evaluation> {
  const request: EvaluationRequest = {
    ip: parseIpAddress("192.0.2.1")!,
    domain,
    sender: `user@${domain}`,
    helo: "mail.test",
    receiver: "mx.here.test",
    deadlineMs: performance.now() + waitMs,
  };
  return promised((done) => evaluator.evaluate(request, done));
}
