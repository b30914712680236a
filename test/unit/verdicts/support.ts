import {
  type Answer,
  type AnswerSource,
  type Outcome,
  type Pending as PendingCall,
  type Question,
  type SenderMacro,
  temperror,
} from "spf-check";
import { parseIpAddress } from "../../../src/address/index.ts";
import type { EvaluationRequest } from "../../../src/filter/index.ts";
import type { VerdictInput } from "../../../src/verdicts/index.ts";

/** A request with defaults: 192.0.2.1, example.test, no deadline. */
export function request(
  parts: Partial<Omit<EvaluationRequest, "ip">> & { readonly ip?: string } = {},
): EvaluationRequest {
  const { ip = "192.0.2.1", domain = "example.test", ...rest } = parts;
  const address = parseIpAddress(ip);
  if (address === undefined) throw new TypeError(ip);
  return {
    domain,
    sender: `someone@${domain}`,
    helo: "mail.example.test",
    receiver: "mx.example.org",
    deadlineMs: Number.POSITIVE_INFINITY,
    ...rest,
    ip: address,
  };
}

/** An outcome with defaults: pass, TTL an hour, no macro read. */
export function outcome(
  parts: Partial<Omit<Outcome, "macrosRead">> & { readonly macrosRead?: readonly SenderMacro[] } = {},
): Outcome {
  const { macrosRead = [], ...rest } = parts;
  return {
    ...temperror("example.test", ""),
    result: "pass",
    problem: undefined,
    failure: undefined,
    mechanism: "+all",
    ttlSeconds: 3600,
    ...rest,
    macrosRead: new Set(macrosRead),
  };
}

/** Deadlines do not keep a process alive, and a test without sockets has nothing else that would. */
export async function keepingAlive<T>(wait: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, 1000);
  try {
    return await wait;
  } finally {
    clearInterval(timer);
  }
}

/** Evaluations and questions that wait until the test answers them. */
export class Pending<Asked, Given> {
  /** Every one that came, in order. */
  readonly all: Asked[] = [];
  readonly cancelled: Asked[] = [];
  readonly #open: { readonly asked: Asked; readonly done: (given: Given) => void }[] = [];

  get open(): number {
    return this.#open.length;
  }

  add(asked: Asked, done: (given: Given) => void): PendingCall {
    const entry = { asked, done };
    this.all.push(asked);
    this.#open.push(entry);
    return {
      cancel: () => {
        const at = this.#open.indexOf(entry);
        if (at < 0) return;
        this.#open.splice(at, 1);
        this.cancelled.push(asked);
      },
    };
  }

  /** Answers the oldest, or the one at an index. */
  answer(given: Given, at = 0): void {
    const [entry] = this.#open.splice(at, 1);
    if (entry === undefined) throw new RangeError("nothing is waited for");
    entry.done(given);
  }
}

/** Checks that the test answers. */
export class PendingChecks extends Pending<VerdictInput, Outcome> {
  readonly check = (input: VerdictInput, done: (outcome: Outcome) => void): PendingCall =>
    this.add(input, done);
}

/** Questions that the test answers. */
export class PendingQuestions extends Pending<Question, Answer> implements AnswerSource {
  ask(question: Question, done: (answer: Answer) => void): PendingCall {
    return this.add(question, done);
  }
}
