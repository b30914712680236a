import type { Answer, AnswerSource, Pending, Question } from "spf-check";
import { Lookup, type LookupContext, type LookupCounters, lookupCounters } from "./lookup.ts";
import { isAskable } from "./messages.ts";
import { formatNameserver, type Nameserver, type NameserverList } from "./nameservers.ts";
import { Server, type ServerListener } from "./server.ts";

/** What the operator can set (Nameserver, DNSTimeout, DNSTries), and the bounds of memory. */
export interface ResolverOptions {
  /** At least one; asked in this order. */
  readonly servers: readonly Nameserver[] | NameserverList;
  /** How long one try waits for its answer. */
  readonly timeoutMs: number;
  /** Rounds over all servers. */
  readonly tries: number;
  /**
   * Lookups on the network at once; one more is a fault. 8192: each evaluation waits for one, and what is asked
   * early has bounds of its own (EarlyShares), so that none ever has to wait for another.
   */
  readonly outstandingMax?: number;
  /** Told when a server stops or starts to answer. */
  readonly onServer?: ServerListener;
  /** Told when other servers are asked from now on. */
  readonly onServers?: (servers: readonly Nameserver[]) => void;
}

/** Counted since the start. */
export interface ResolverCounters extends Readonly<LookupCounters> {
  /** Lookups on the network now. */
  readonly outstanding: number;
}

/** The state of a server, for the status page and the log. */
export interface ServerHealth extends Nameserver {
  readonly isDown: boolean;
  /** A running mean; undefined while nothing was answered. */
  readonly answerMs: number | undefined;
}

/** One question between ask() and its answer. */
interface Job {
  readonly lookup: Lookup;
  readonly done: (answer: Answer) => void;
}

/** The names that DNS cannot carry never exist. */
const CANNOT_EXIST: Answer = { status: "nxdomain", ttlSeconds: Infinity };
const TOO_MANY: Answer = { status: "fault", problem: "too many DNS lookups at once", cause: "overload" };
const CLOSED: Answer = { status: "fault", problem: "DNS lookups were stopped" };

/** A stub resolver: asks recursive name servers, keeps nothing. */
export class Resolver implements AnswerSource {
  readonly #options: ResolverOptions;
  readonly #list: NameserverList;
  readonly #context: LookupContext;
  readonly #outstandingMax: number;
  readonly #outstanding = new Set<Job>();
  #nameservers: readonly Nameserver[];
  #servers: readonly Server[];
  #closed = false;

  /** @throws RangeError without a server, a time-out or a try. */
  constructor(options: ResolverOptions) {
    const { servers, timeoutMs, tries, outstandingMax = 8192 } = options;
    const list: NameserverList = "current" in servers ? servers : { current: () => servers };
    this.#nameservers = list.current();
    if (this.#nameservers.length === 0 || !(timeoutMs > 0) || !(tries >= 1)) {
      throw new RangeError("a resolver needs a server, a time-out and a try");
    }
    this.#options = options;
    this.#list = list;
    this.#servers = this.#nameservers.map((nameserver) => this.#newServer(nameserver));
    this.#context = { servers: () => this.#servers, timeoutMs, tries, counters: lookupCounters() };
    this.#outstandingMax = outstandingMax;
  }

  counters(): ResolverCounters {
    return { ...this.#context.counters, outstanding: this.#outstanding.size };
  }

  /** The servers in force, in order. */
  health(): readonly ServerHealth[] {
    return this.#servers.map(({ nameserver, isDown, answerMs }) => ({ ...nameserver, isDown, answerMs }));
  }

  ask(question: Question, done: (answer: Answer) => void): Answer | Pending {
    if (!isAskable(question.name)) return CANNOT_EXIST;
    const fault = this.#closed
      ? CLOSED
      : this.#outstanding.size >= this.#outstandingMax
        ? TOO_MANY
        : undefined;
    if (fault !== undefined) {
      this.#context.counters.faults++;
      return fault;
    }
    this.#follow(false);
    const job: Job = {
      lookup: new Lookup(question, this.#context, (answer) => {
        this.#outstanding.delete(job);
        if (answer.status === "fault") this.#follow(true);
        done(answer);
      }),
      done,
    };
    this.#outstanding.add(job);
    const known = job.lookup.start();
    if (known !== undefined) {
      this.#outstanding.delete(job);
      this.#follow(true);
      return known;
    }
    return {
      cancel: () => {
        job.lookup.cancel();
        this.#outstanding.delete(job);
      },
    };
  }

  /** Ends every lookup as a fault and closes all sockets; later questions are faults. */
  close(): void {
    this.#closed = true;
    const jobs = [...this.#outstanding];
    this.#outstanding.clear();
    for (const { lookup } of jobs) lookup.cancel();
    for (const server of this.#servers) server.close();
    this.#context.counters.faults += jobs.length;
    for (const { done } of jobs) done(CLOSED);
  }

  /** Takes up a change of the list: what is asked of a server that is gone goes on with the others. */
  #follow(failing: boolean): void {
    const nameservers = this.#list.current(failing);
    if (this.#closed || nameservers === this.#nameservers) return;
    this.#nameservers = nameservers;
    const before = new Map(this.#servers.map((server) => [formatNameserver(server.nameserver), server]));
    this.#servers = nameservers.map((nameserver) => {
      const key = formatNameserver(nameserver);
      const known = before.get(key);
      before.delete(key);
      return known ?? this.#newServer(nameserver);
    });
    for (const gone of before.values()) gone.close();
    this.#options.onServers?.(nameservers);
  }

  #newServer(nameserver: Nameserver): Server {
    return new Server(nameserver, this.#options.timeoutMs, (server, state) => {
      this.#options.onServer?.(server, state);
    });
  }
}
