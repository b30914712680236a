import type { Answer, AnswerSource, Question } from "spf-check";
import { Lookup, type LookupContext, type LookupCounters } from "./lookup.ts";
import type { Nameserver } from "./nameservers.ts";
import { isAskable } from "./query.ts";
import { Server } from "./servers.ts";

/** What the operator can set (Nameserver, DNSTimeout, DNSTries), and the bounds of memory. */
export interface ResolverOptions {
  /** At least one; asked in this order. */
  readonly servers: readonly Nameserver[];
  /** How long one try waits for its answer. */
  readonly timeoutMs: number;
  /** Rounds over all servers. */
  readonly tries: number;
  /** Lookups on the network at once; further ones wait in order of arrival. 4096. */
  readonly outstandingMax?: number;
  /** Lookups that may wait; one more is a fault at once. 16384. */
  readonly waitingMax?: number;
}

/** Counted since the start. */
export interface ResolverCounters extends Readonly<LookupCounters> {
  /** Lookups on the network now. */
  readonly outstanding: number;
  /** Lookups that wait for one of those to end. */
  readonly waiting: number;
}

/** A stub resolver: asks recursive name servers, keeps nothing. */
export interface Resolver extends AnswerSource {
  counters(): ResolverCounters;
  /**
   * Ends every lookup as a fault and closes all sockets; later questions are faults. On a change of settings,
   * evaluations that began with this resolver should have ended before.
   */
  close(): void;
}

/** @throws RangeError without a server, a time-out or a try. */
export function createResolver(options: ResolverOptions): Resolver {
  if (options.servers.length === 0 || !(options.timeoutMs > 0) || !(options.tries >= 1)) {
    throw new RangeError("a resolver needs a server, a time-out and a try");
  }
  return new StubResolver(options);
}

/** One question between ask() and its answer. */
interface Job {
  readonly lookup: Lookup;
  readonly done: (answer: Answer) => void;
  timer: NodeJS.Timeout | undefined;
}

/** The names that DNS cannot carry do not exist, for ever. */
const CANNOT_EXIST: Answer = { status: "nxdomain", ttlSeconds: Infinity };
const OUT_OF_TIME: Answer = { status: "fault", problem: "out of time for DNS lookups" };
const TOO_MANY: Answer = { status: "fault", problem: "too many DNS lookups at once" };
const CLOSED: Answer = { status: "fault", problem: "DNS lookups were stopped" };

const nothing = (): void => undefined;

class StubResolver implements Resolver {
  readonly #context: LookupContext;
  readonly #outstandingMax: number;
  readonly #waitingMax: number;
  /** A Set keeps the order of arrival and lets go of any member at once. */
  readonly #waiting = new Set<Job>();
  readonly #outstanding = new Set<Job>();
  #closed = false;

  constructor({ servers, timeoutMs, tries, outstandingMax = 4096, waitingMax = 16_384 }: ResolverOptions) {
    this.#context = {
      servers: servers.map((server) => new Server(server)),
      timeoutMs,
      tries,
      counters: { questionsSent: 0, questionsSentTcp: 0, timeouts: 0, foreign: 0, faults: 0 },
    };
    this.#outstandingMax = outstandingMax;
    this.#waitingMax = waitingMax;
  }

  counters(): ResolverCounters {
    return {
      ...this.#context.counters,
      outstanding: this.#outstanding.size,
      waiting: this.#waiting.size,
    };
  }

  ask(question: Question, deadlineMs: number, done: (answer: Answer) => void): () => void {
    const restMs = deadlineMs - performance.now();
    const refusal = this.#refusal(question, restMs);
    if (refusal !== undefined) {
      done(refusal);
      return nothing;
    }
    const job: Job = {
      lookup: new Lookup(question, this.#context, (answer) => {
        this.#remove(job);
        done(answer);
      }),
      done,
      timer: undefined,
    };
    if (restMs < Infinity) {
      job.timer = setTimeout(() => {
        this.#fail(job, OUT_OF_TIME);
      }, restMs).unref();
    }
    this.#waiting.add(job);
    this.#startNext();
    return () => {
      job.lookup.cancel();
      this.#remove(job);
    };
  }

  close(): void {
    this.#closed = true;
    for (const server of this.#context.servers) server.close();
    for (const job of [...this.#waiting, ...this.#outstanding]) this.#fail(job, CLOSED);
  }

  /** Answers that need no network. */
  #refusal(question: Question, restMs: number): Answer | undefined {
    if (!isAskable(question.name)) return CANNOT_EXIST;
    const fault = this.#closed
      ? CLOSED
      : restMs <= 0
        ? OUT_OF_TIME
        : this.#waiting.size >= this.#waitingMax
          ? TOO_MANY
          : undefined;
    if (fault !== undefined) this.#context.counters.faults++;
    return fault;
  }

  #fail(job: Job, fault: Answer): void {
    job.lookup.cancel();
    this.#remove(job);
    this.#context.counters.faults++;
    job.done(fault);
  }

  #startNext(): void {
    if (this.#closed) return;
    for (const job of this.#waiting) {
      if (this.#outstanding.size >= this.#outstandingMax) return;
      this.#waiting.delete(job);
      this.#outstanding.add(job);
      job.lookup.start();
    }
  }

  #remove(job: Job): void {
    clearTimeout(job.timer);
    this.#waiting.delete(job);
    if (this.#outstanding.delete(job)) this.#startNext();
  }
}
