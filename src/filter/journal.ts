import type { OctetString } from "../address/index.ts";
import type { Client, Inquiry } from "../policy/index.ts";
import type { ActionEvent, FilterEvent, MailFacts } from "./events.ts";
import type { Evaluation } from "./ports.ts";

/** What is told of an action; what is left out is told as empty. */
export interface Deed {
  readonly action: ActionEvent["action"];
  readonly reason: string;
  readonly recipients?: readonly string[];
  readonly reply?: string;
  readonly reportOnly?: boolean;
}

const NOBODY: readonly string[] = [];

/** Tells the operator about one mail. */
export class Journal {
  readonly #report: (event: FilterEvent) => void;
  readonly #from: OctetString;
  /** Replaced where a relay's Received field tells of another client. */
  client: Client | undefined;
  helo: OctetString;
  queueId: string | undefined;

  constructor(
    report: (event: FilterEvent) => void,
    client: Client | undefined,
    helo: OctetString,
    from: OctetString,
    queueId: string | undefined,
  ) {
    this.#report = report;
    this.client = client;
    this.helo = helo;
    this.#from = from;
    this.queueId = queueId;
  }

  /** A verdict was reached. */
  result(inquiry: Inquiry, { outcome, cached, elapsedMs }: Evaluation): void {
    const { queueId, ip, ptr, helo, from } = this.#facts();
    // Written out: this is made for every message, and a spread would cost more than all the rest of it.
    this.#report({
      event: "result",
      queueId,
      ip,
      ptr,
      helo,
      from,
      result: outcome.result,
      cached,
      identity: inquiry.identity,
      mechanism: outcome.mechanism,
      problem: outcome.problem,
      lookups: outcome.lookups,
      voids: outcome.voids,
      elapsedMs,
      local: outcome.local?.result,
      guess: outcome.guess?.result,
    });
  }

  /** Something was done, or would have been. */
  action({ action, reason, recipients = NOBODY, reply, reportOnly = false }: Deed): void {
    this.#report({ event: "action", ...this.#facts(), action, reason, recipients, reply, reportOnly });
  }

  #facts(): MailFacts {
    return {
      queueId: this.queueId,
      ip: this.client?.evaluatedIp.text ?? "",
      ptr: this.client?.shownName ?? "",
      helo: this.helo,
      from: this.#from,
    };
  }
}

/** The sender as a log names it: without angle brackets, empty for the null sender. */
export function shownSender(argument: OctetString): OctetString {
  const text = argument.trim();
  return text.startsWith("<") && text.endsWith(">") ? text.slice(1, -1) : text;
}
