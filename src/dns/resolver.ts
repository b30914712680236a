import type { Answer, AnswerSource, Pending, Question } from "spf-check";
import { Lookup, type LookupContext, type LookupCounters, Server } from "./lookup.ts";
import { isAskable } from "./messages.ts";
import type { Nameserver } from "./nameservers.ts";

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

/** One question between ask() and its answer. */
interface Job {
  readonly lookup: Lookup;
  readonly done: (answer: Answer) => void;
}

/** The names that DNS cannot carry do not exist, for ever. */
const CANNOT_EXIST: Answer = { status: "nxdomain", ttlSeconds: Infinity };
const TOO_MANY: Answer = { status: "fault", problem: "too many DNS lookups at once" };
const CLOSED: Answer = { status: "fault", problem: "DNS lookups were stopped" };

/** A stub resolver: asks recursive name servers, keeps nothing. */
export class Resolver implements AnswerSource {
  readonly #context: LookupContext;
  readonly #outstandingMax: number;
  readonly #waitingMax: number;
  /** A Set keeps the order of arrival and lets go of any member at once. */
  readonly #waiting = new Set<Job>();
  readonly #outstanding = new Set<Job>();
  #closed = false;

  /** @throws RangeError without a server, a time-out or a try. */
  constructor({ servers, timeoutMs, tries, outstandingMax = 4096, waitingMax = 16_384 }: ResolverOptions) {
    if (servers.length === 0 || !(timeoutMs > 0) || !(tries >= 1)) {
      throw new RangeError("a resolver needs a server, a time-out and a try");
    }
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

  ask(question: Question, done: (answer: Answer) => void): Answer | Pending {
    if (!isAskable(question.name)) return CANNOT_EXIST;
    const fault = this.#closed ? CLOSED : this.#waiting.size >= this.#waitingMax ? TOO_MANY : undefined;
    if (fault !== undefined) {
      this.#context.counters.faults++;
      return fault;
    }
    const job: Job = {
      lookup: new Lookup(question, this.#context, (answer) => {
        this.#remove(job);
        done(answer);
      }),
      done,
    };
    this.#waiting.add(job);
    this.#startNext();
    return {
      cancel: () => {
        job.lookup.cancel();
        this.#remove(job);
      },
    };
  }

  /** Ends every lookup as a fault and closes all sockets; later questions are faults. */
  close(): void {
    this.#closed = true;
    for (const server of this.#context.servers) server.close();
    for (const job of [...this.#waiting, ...this.#outstanding]) this.#fail(job, CLOSED);
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
    this.#waiting.delete(job);
    if (this.#outstanding.delete(job)) this.#startNext();
  }
}
