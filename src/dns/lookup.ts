import type { Answer, Question } from "spf-check";
import { encodeQuery, isAskable, type Query, type Response, readResponse } from "./messages.ts";
import type { Nameserver } from "./nameservers.ts";
import { TcpChannel } from "./tcp.ts";
import { UdpChannel } from "./udp.ts";

/** Aliases in all, and questions sent because a server left the target of one to us. */
const ALIASES_MAX = 16;
const CHASES_MAX = 4;

/** What every lookup of a resolver shares. */
export interface LookupContext {
  readonly servers: readonly Server[];
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
}

/**
 * Finds the answer to one question: server after server, round after round, TCP where UDP is too small. A server
 * that answered with a failure is not asked again in a later round; one that was silent is, and its late answer to
 * an earlier try still counts.
 */
export class Lookup {
  readonly #context: LookupContext;
  readonly #done: (answer: Answer) => void;
  #question: Question;
  #query: Query;
  /** Servers still to be asked, in order; each round puts those that failed for certain aside. */
  #plan: Server[] = [];
  #cancels: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #tryNumber = 0;
  #aliases = 0;
  #chases = 0;
  #ttlSeconds = Infinity;
  #problem = "no name server answered in time";
  #ended = false;

  /** @param done called once, from a later tick than {@link start}, unless the lookup is cancelled before. */
  constructor(question: Question, context: LookupContext, done: (answer: Answer) => void) {
    this.#context = context;
    this.#done = done;
    this.#question = question;
    this.#query = encodeQuery(question, true);
  }

  start(): void {
    const { servers, tries } = this.#context;
    const order = inOrderOfTrust(servers, performance.now());
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
    const server = this.#plan.shift();
    if (server === undefined) {
      this.#end({ status: "fault", problem: this.#problem });
      return;
    }
    this.#ask(server, "udp", true);
  }

  #ask(server: Server, transport: "udp" | "tcp", edns: boolean): void {
    const { counters, timeoutMs } = this.#context;
    const query = edns ? this.#query : encodeQuery(this.#question, false);
    const tryNumber = ++this.#tryNumber;
    counters.questionsSent++;
    if (transport === "tcp") counters.questionsSentTcp++;
    // A failure of a try that has been given up already must not end the one that followed it.
    const giveUp = (problem: string): void => {
      if (this.#ended || tryNumber !== this.#tryNumber) return;
      this.#problem = problem;
      this.#nextTry();
    };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      counters.timeouts++;
      server.failed(performance.now());
      giveUp("no name server answered in time");
    }, timeoutMs).unref();
    const cancel = server[transport].exchange(query.message, {
      message: (bytes) => {
        const response = readResponse(bytes, query);
        if (response.kind === "foreign") {
          counters.foreign++;
          if (transport === "udp") return;
          // The connection is this question's alone: whatever else comes on it is of no use.
          cancel();
          giveUp("DNS answer to another question over TCP");
          return;
        }
        cancel();
        server.answered();
        if (!this.#ended) this.#receive(response, { server, transport, edns, giveUp });
      },
      error: (problem) => {
        cancel();
        server.failed(performance.now());
        giveUp(problem);
      },
    });
    this.#cancels.push(cancel);
  }

  #receive(
    response: Exclude<Response, { kind: "foreign" }>,
    from: { server: Server; transport: "udp" | "tcp"; edns: boolean; giveUp: (problem: string) => void },
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
        else from.giveUp("truncated DNS answer over TCP");
        return;
      case "failure":
        if (response.noEdns && from.edns) {
          this.#ask(from.server, from.transport, false);
          return;
        }
        this.#plan = this.#plan.filter((server) => server !== from.server);
        from.giveUp(response.problem);
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
    this.start();
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

/** A server that did not answer is asked after the others for so long. */
const AVOIDED_MS = 10_000;

/** One name server and the ways to it. */
export class Server {
  readonly udp: UdpChannel;
  readonly tcp: TcpChannel;
  #avoidedUntilMs = 0;

  constructor(nameserver: Nameserver) {
    this.udp = new UdpChannel(nameserver);
    this.tcp = new TcpChannel(nameserver);
  }

  /** It has answered, whatever it was. */
  answered(): void {
    this.#avoidedUntilMs = 0;
  }

  /** It could not be reached, or was silent. */
  failed(nowMs: number): void {
    this.#avoidedUntilMs = nowMs + AVOIDED_MS;
  }

  isAvoided(nowMs: number): boolean {
    return nowMs < this.#avoidedUntilMs;
  }

  close(): void {
    this.udp.close();
    this.tcp.close();
  }
}

/** In the operator's order, those that failed lately last: one dead server does not slow every question. */
export function inOrderOfTrust(servers: readonly Server[], nowMs: number): readonly Server[] {
  if (!servers.some((server) => server.isAvoided(nowMs))) return servers;
  return [
    ...servers.filter((server) => !server.isAvoided(nowMs)),
    ...servers.filter((server) => server.isAvoided(nowMs)),
  ];
}
