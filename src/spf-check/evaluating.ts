import type { Answer, Step } from "./lookup.ts";
import type { SpfResult } from "./result.ts";

/** What check_host() and all that it is made of are: generators that yield questions and are given answers. */
export type Evaluating<T> = Generator<Step, T, Answer | undefined>;

/** An error that ends an evaluation, with the problem in words (RFC 7208 sections 2.6.6 and 2.6.7). */
export interface Failure {
  readonly result: Extract<SpfResult, "temperror" | "permerror">;
  readonly problem: string;
}

/** Whether a step of an evaluation ended in an error. */
export function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "result" in value && "problem" in value;
}
