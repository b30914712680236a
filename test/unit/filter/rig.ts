/** A filter on a bench: an MTA's steps go in by hand, the evaluator is a table. */

import {
  type Edit,
  type EndOfMessageAnswer,
  type EndOfMessageResponse,
  type HandlerAnswer,
  LATER,
  type Macros,
  type MilterHandler,
  type Response,
} from "milter-protocol";
import type { Outcome, SpfResult } from "spf-check";
import {
  type ActionEvent,
  createFilter,
  type Evaluation,
  type EvaluationRequest,
  type FilterEvent,
  type FilterPorts,
  type FilterSettings,
  type ResultEvent,
} from "../../../src/filter/index.ts";
import { outcome, settingsWith } from "../policy/facts.ts";

/** What an MTA of version 6 offers. */
export const OFFER = { version: 6, actions: 0x1ff, protocol: 0x1fffff };

/** Results by domain; `late` ones come only when {@link Rig.arrive} is called. */
export type Zone = Record<string, SpfResult | Outcome>;

export interface RigOptions {
  readonly settings?: Partial<FilterSettings>;
  readonly zone?: Zone;
  readonly late?: boolean;
  readonly transport?: "unix" | "inet";
  readonly offer?: typeof OFFER;
}

interface Waiting {
  readonly request: EvaluationRequest;
  readonly done: (evaluation: Evaluation) => void;
}

export class Rig {
  readonly events: FilterEvent[] = [];
  readonly requests: EvaluationRequest[] = [];
  readonly waits: number[] = [];
  readonly resumed: (Response | EndOfMessageResponse)[] = [];
  readonly filter: MilterHandler;
  readonly ports: FilterPorts;
  readonly #waiting = new Set<Waiting>();
  cancelled = 0;
  clockMs = 1000;

  constructor({
    settings = {},
    zone = {},
    late = false,
    transport = "unix",
    offer = OFFER,
  }: RigOptions = {}) {
    this.ports = {
      settings: { ...settingsWith(settings), lookupTimeMs: 20_000 },
      transport,
      hostname: "own.host.test",
      nowMs: () => this.clockMs,
      report: (event) => this.events.push(event),
      waited: (elapsedMs) => this.waits.push(elapsedMs),
      evaluator: {
        evaluate: (request, done) => {
          this.requests.push(request);
          if (!late) return this.#evaluation(zone, request);
          const waiting = { request, done };
          this.#waiting.add(waiting);
          return {
            cancel: () => {
              this.#waiting.delete(waiting);
              this.cancelled++;
            },
          };
        },
      },
    };
    this.#zone = zone;
    this.filter = createFilter(this.ports, (answer) => this.resumed.push(answer));
    this.filter.negotiate(offer);
  }

  readonly #zone: Zone;

  #evaluation(zone: Zone, { domain }: EvaluationRequest): Evaluation {
    const found = zone[domain] ?? "none";
    const told = typeof found === "string" ? outcome(found, { domain }) : found;
    return { outcome: told, cached: false, elapsedMs: 7 };
  }

  /** The evaluation that is waited for comes in; that of this domain where there are two. */
  arrive(domain?: string): void {
    const waiting = [...this.#waiting].find(
      ({ request }) => domain === undefined || request.domain === domain,
    );
    if (waiting === undefined) throw new Error("nothing is waited for");
    this.#waiting.delete(waiting);
    waiting.done(this.#evaluation(this.#zone, waiting.request));
  }

  connect(
    address = "192.0.2.9",
    hostname = "mx.sender.test",
    family: "unknown" | "unix" | "inet" | "inet6" = address.includes(":") ? "inet6" : "inet",
  ): HandlerAnswer {
    return this.filter.connect({ hostname, family, port: 25, address }, macros({ j: "mx.rig.test" }));
  }

  helo(name = "helo.sender.test"): HandlerAnswer {
    return this.filter.helo(name, macros({}));
  }

  mail(path: string, sent: Record<string, string> = {}, ...parameters: string[]): HandlerAnswer {
    return this.filter.mail(path, parameters, macros({ i: "Q1", ...sent }));
  }

  rcpt(path: string): HandlerAnswer {
    return this.filter.rcpt(path, [], macros({}));
  }

  header(name: string, value: string): HandlerAnswer {
    return this.filter.header(name, value);
  }

  eom(sent: Record<string, string> = {}): EndOfMessageAnswer {
    return this.filter.endOfMessage(macros(sent));
  }

  /** CONNECT and HELO with the usual values, then MAIL. */
  start(path = "<user@sender.test>"): HandlerAnswer {
    this.connect();
    this.helo();
    return this.mail(path);
  }

  /** A whole message, up to the answer at its end. */
  message(path: string, recipients: readonly string[], headers: readonly [string, string][] = []): Passage {
    const mail = this.start(path);
    const rcpts = recipients.map((recipient) => this.rcpt(recipient));
    for (const [name, value] of headers) this.header(name, value);
    return { mail, rcpts, end: endOf(this.eom()) };
  }

  get actions(): ActionEvent[] {
    return this.events.filter((event) => event.event === "action");
  }

  get results(): ResultEvent[] {
    return this.events.filter((event) => event.event === "result");
  }
}

export interface Passage {
  readonly mail: HandlerAnswer;
  readonly rcpts: readonly HandlerAnswer[];
  readonly end: EndOfMessageResponse;
}

export function macros(values: Record<string, string>): Macros {
  return { get: (name) => values[name] };
}

export function endOf(answer: EndOfMessageAnswer): EndOfMessageResponse {
  if (answer === LATER) throw new Error("the answer comes later");
  return answer;
}

/** `continue`, `accept`, `550 5.7.23` … */
export function spoken(answer: HandlerAnswer): string {
  if (answer === LATER) return "later";
  return answer.kind === "reply" ? `${answer.code} ${answer.enhanced}` : answer.kind;
}

/** `refused: SPF fail [550 5.7.23]`, `tagged: SPF softfail <bob@rig.test> (told only)`. */
export function shownActions({ actions }: Rig): string[] {
  return actions.map(({ action, reason, recipients, reply, reportOnly }) =>
    [
      `${action}: ${reason}`,
      ...recipients,
      ...(reply === undefined ? [] : [`[${reply.split(" ").slice(0, 2).join(" ")}]`]),
      ...(reportOnly ? ["(told only)"] : []),
    ].join(" "),
  );
}

/** One line an edit, to be read in a table. */
export function shownEdits({ edits }: EndOfMessageResponse): string[] {
  return edits.map(shownEdit);
}

function shownEdit(edit: Edit): string {
  switch (edit.kind) {
    case "addHeader":
      return `add ${edit.name}: ${edit.value}`;
    case "insertHeader":
      return `insert ${edit.index} ${edit.name}: ${edit.value.replace(/\n /g, " ")}`;
    case "changeHeader":
      return edit.value === ""
        ? `delete ${edit.name} ${edit.index}`
        : `change ${edit.name} ${edit.index}: ${edit.value}`;
    case "addRecipient":
      return `addrcpt ${edit.path}`;
    case "deleteRecipient":
      return `delrcpt ${edit.path}`;
    case "quarantine":
      return `hold ${edit.reason}`;
    default:
      return edit.kind;
  }
}
