import type { Answer, Question, TemperrorCause } from "spf-check";
import { encodeQuery, isAskable, type Query, type Response, readResponse } from "./messages.ts";
import type { Server } from "./server.ts";

/** Aliases in all, and questions sent because a server left the target of one to us. */
const ALIASES_MAX = 16;
const CHASES_MAX = 4;

/** Upper bounds of the classes in {@link LookupCounters.answerTimes}, in milliseconds; the last class has none. */
export const ANSWER_TIME_BOUNDS_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000,
];
/** Every RCODE from here on is counted as one. */
const RCODES = 16;

/** What every lookup of a resolver shares. */
export interface LookupContext {
  /** The servers in force now, in the operator's order. */
  readonly servers: () => readonly Server[];
  readonly timeoutMs: number;
  readonly tries: number;
  readonly counters: LookupCounters;
}

/** What lookups count. */
export interface LookupCounters {
  /** Messages sent, each try on its own, both transports. */
  questionsSent: number;
  /** Those of them over TCP. */
  questionsSentTcp: number;
  /** Tries that nobody answered in time. */
  timeouts: number;
  /** Messages that answered none of our questions. */
  foreign: number;
  /** Lookups that ended without an answer. */
  faults: number;
  /** Failures that servers answered with, by RCODE; the last one is for all that are greater. */
  readonly rcodes: Float64Array;
  /** How long answers took, by {@link ANSWER_TIME_BOUNDS_MS}. */
  readonly answerTimes: Float64Array;
  /** The sum of those times, in milliseconds. */
  answerMs: number;
}

/** All at zero. */
export function lookupCounters(): LookupCounters {
  return {
    questionsSent: 0,
    questionsSentTcp: 0,
    timeouts: 0,
    foreign: 0,
    faults: 0,
    rcodes: new Float64Array(RCODES + 1),
    answerTimes: new Float64Array(ANSWER_TIME_BOUNDS_MS.length + 1),
    answerMs: 0,
  };
}

const NO_CONNECTION = "too many DNS lookups over TCP at once";
const SILENT = "no name server answered in time";
const ALL_DOWN = "no name server answers";

/**
 * Finds the answer to one question: server after server, round after round, TCP where UDP is too small. A server
 * that answered with a failure is not asked again in a later round; one that was silent is, and its late answer to
 * an earlier try still counts. The last try goes without EDNS0, which some firewalls drop. Servers that are down
 * are passed over.
 */
export class Lookup {
  readonly #context: LookupContext;
  readonly #done: (answer: Answer) => void;
  #question: Question;
  #query: Query;
  /** Servers still to be asked, in order; each round leaves out those that have certainly failed. */
  #plan: Server[] = [];
  #cancels: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #tryNumber = 0;
  #aliases = 0;
  #chases = 0;
  #ttlSeconds = Infinity;
  #problem = ALL_DOWN;
  #cause: TemperrorCause = "timeout";
  #ended = false;

  /** @param done called once, after {@link start} has returned nothing, unless the lookup is cancelled before. */
  constructor(question: Question, context: LookupContext, done: (answer: Answer) => void) {
    this.#context = context;
    this.#done = done;
    this.#question = question;
    this.#query = encodeQuery(question, true);
  }

  /** Asks the first server; a fault at once where all of them are down. */
  start(): Answer | undefined {
    if (this.#context.servers().every(({ isDown }) => isDown)) {
      this.#ended = true;
      this.#context.counters.faults++;
      return { status: "fault", problem: ALL_DOWN, cause: "timeout" };
    }
    this.#begin();
    return undefined;
  }

  #begin(): void {
    const { servers, tries } = this.#context;
    const order = inOrderOfTrust(servers());
    this.#plan = [];
    for (let round = 0; round < tries; round++) this.#plan.push(...order);
    this.#nextTry();
  }

  /** Nobody waits any more; `done` is not called. */
  cancel(): void {
    this.#ended = true;
    this.#stopTries();
  }

  #nextTry(): void {
    let server = this.#plan.shift();
    while (server?.isDown === true) server = this.#plan.shift();
    if (server === undefined) {
      this.#end({ status: "fault", problem: this.#problem, cause: this.#cause });
      return;
    }
    const isLast = this.#plan.length === 0 && this.#tryNumber > 0;
    this.#ask(server, "udp", !isLast && server.takesEdns);
  }

  #ask(server: Server, transport: "udp" | "tcp", edns: boolean): void {
    const { counters, timeoutMs } = this.#context;
    const query = edns ? this.#query : encodeQuery(this.#question, false);
    const tryNumber = ++this.#tryNumber;
    const beganMs = performance.now();
    counters.questionsSent++;
    if (transport === "tcp") counters.questionsSentTcp++;
    // A failure of a try that has been given up already must not end the one that followed it.
    const giveUp = (problem: string, cause: TemperrorCause): void => {
      if (this.#ended || tryNumber !== this.#tryNumber) return;
      this.#problem = problem;
      this.#cause = cause;
      this.#nextTry();
    };
    let sentMs = transport === "udp" ? beganMs : Infinity;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // The server had less time than our own queue of questions over TCP.
      if (performance.now() - sentMs < timeoutMs / 2) {
        giveUp(NO_CONNECTION, "overload");
        return;
      }
      counters.timeouts++;
      server.suspect();
      giveUp(SILENT, "timeout");
    }, timeoutMs).unref();
    const unwatch = server.watch(() => {
      giveUp(ALL_DOWN, "timeout");
    });
    const exchange = server[transport].exchange(query.message, {
      name: query.question.name,
      message: (bytes) => {
        const response = readResponse(bytes, query);
        if (response.kind === "foreign") {
          counters.foreign++;
          if (transport === "udp") return;
          // The connection is this question's alone: whatever else comes on it is of no use.
          cancel();
          giveUp("DNS answer over TCP does not match the question", "other");
          return;
        }
        cancel();
        countTime(counters, performance.now() - beganMs);
        server.answered(edns, performance.now() - beganMs);
        if (!this.#ended) this.#receive(response, { server, transport, edns, giveUp });
      },
      error: (problem) => {
        cancel();
        server.suspect();
        giveUp(problem, "other");
      },
      sent: () => {
        sentMs = performance.now();
      },
      crowdedOut: () => {
        cancel();
        giveUp(NO_CONNECTION, "overload");
      },
    });
    const cancel = (): void => {
      unwatch();
      exchange();
    };
    this.#cancels.push(cancel);
  }

  #receive(
    response: Exclude<Response, { kind: "foreign" }>,
    from: {
      server: Server;
      transport: "udp" | "tcp";
      edns: boolean;
      giveUp: (problem: string, cause: TemperrorCause) => void;
    },
  ): void {
    switch (response.kind) {
      case "answer":
        this.#end(this.#withAliases(response.answer));
        return;
      case "alias":
        this.#chase(response);
        return;
      case "truncated":
        if (from.transport === "udp") this.#ask(from.server, "tcp", from.edns);
        else from.giveUp("truncated DNS answer over TCP", "other");
        return;
      case "failure":
        if (response.noEdns && from.edns) {
          this.#ask(from.server, from.transport, false);
          return;
        }
        this.#plan = this.#plan.filter((server) => server !== from.server);
        if (response.rcode !== 0) count(this.#context.counters.rcodes, response.rcode);
        from.giveUp(response.problem, response.cause);
    }
  }

  /** An answer never outlives the aliases that led to it. */
  #withAliases(answer: Answer): Answer {
    if (answer.status === "fault" || answer.ttlSeconds <= this.#ttlSeconds) return answer;
    return { ...answer, ttlSeconds: this.#ttlSeconds };
  }

  #chase(alias: Extract<Response, { kind: "alias" }>): void {
    this.#aliases += alias.aliases;
    this.#ttlSeconds = Math.min(this.#ttlSeconds, alias.ttlSeconds);
    if (++this.#chases > CHASES_MAX || this.#aliases > ALIASES_MAX) {
      this.#end({ status: "fault", problem: "endless CNAME chain" });
      return;
    }
    if (!isAskable(alias.target)) {
      this.#end({ status: "nxdomain", ttlSeconds: this.#ttlSeconds });
      return;
    }
    this.#stopTries();
    this.#question = { name: alias.target, type: this.#question.type };
    this.#query = encodeQuery(this.#question, true);
    this.#begin();
  }

  #stopTries(): void {
    clearTimeout(this.#timer);
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
  }

  #end(answer: Answer): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopTries();
    if (answer.status === "fault") this.#context.counters.faults++;
    this.#done(answer);
  }
}

/** In the operator's order, those that may be down last: one dead server does not slow every question. */
function inOrderOfTrust(servers: readonly Server[]): readonly Server[] {
  if (!servers.some(({ isSuspect }) => isSuspect)) return servers;
  return [...servers.filter(({ isSuspect }) => !isSuspect), ...servers.filter(({ isSuspect }) => isSuspect)];
}

function countTime(counters: LookupCounters, ms: number): void {
  counters.answerMs += ms;
  const index = ANSWER_TIME_BOUNDS_MS.findIndex((bound) => ms <= bound);
  count(counters.answerTimes, index === -1 ? ANSWER_TIME_BOUNDS_MS.length : index);
}

/** The last of them counts all that is over. */
function count(counts: Float64Array, index: number): void {
  const at = Math.min(index, counts.length - 1);
  counts[at] = (counts[at] ?? 0) + 1;
}
