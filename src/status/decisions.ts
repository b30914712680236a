import type { Action, ActionEvent, ResultEvent } from "../filter/index.ts";
import { keptText } from "./texts.ts";

/** One result that was reached, and what was done. Texts are octets as received. */
export interface Decision {
  readonly timeMs: number;
  readonly result: ResultEvent["result"];
  readonly identity: ResultEvent["identity"];
  readonly source: ResultEvent["source"];
  readonly ip: string;
  readonly ptr: string;
  readonly helo: string;
  readonly from: string;
  queue: string | undefined;
  /** What was done because of it, if anything. */
  action: Action | undefined;
  rule: string | undefined;
  reportOnly: boolean;
}

/** So far back an action looks for its result: other messages came in between. */
const LOOK_BACK = 64;

/** The last decisions, in a ring. */
export class Decisions {
  readonly #ring: (Decision | undefined)[];
  #next = 0;

  constructor(size: number) {
    this.#ring = new Array<Decision | undefined>(size);
  }

  add(event: ResultEvent, timeMs: number): void {
    this.#ring[this.#next] = {
      timeMs,
      result: event.result,
      identity: event.identity,
      source: event.source,
      ip: event.ip,
      ptr: keptText(event.ptr),
      helo: keptText(event.helo),
      from: keptText(event.from),
      queue: event.queueId === undefined ? undefined : keptText(event.queueId, 64),
      action: undefined,
      rule: undefined,
      reportOnly: false,
    };
    this.#next = (this.#next + 1) % this.#ring.length;
  }

  /** Notes what was done at the latest decision about the same mail. */
  act(event: ActionEvent): void {
    const from = keptText(event.from);
    const helo = keptText(event.helo);
    for (let back = 1; back <= Math.min(LOOK_BACK, this.#ring.length); back++) {
      const decision = this.#ring[(this.#next - back + this.#ring.length) % this.#ring.length];
      if (decision === undefined) return;
      if (decision.from !== from || decision.ip !== event.ip || decision.helo !== helo) continue;
      decision.queue ??= event.queueId === undefined ? undefined : keptText(event.queueId, 64);
      if (decision.action === undefined || event.action !== "header removed") {
        decision.action = event.action;
        decision.rule = event.rule;
        decision.reportOnly = event.reportOnly;
      }
      return;
    }
  }

  /** Newest first. */
  latest(): Decision[] {
    const found: Decision[] = [];
    for (let back = 1; back <= this.#ring.length; back++) {
      const decision = this.#ring[(this.#next - back + this.#ring.length) % this.#ring.length];
      if (decision === undefined) break;
      found.push(decision);
    }
    return found;
  }
}
