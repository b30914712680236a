/** What is counted for SIGUSR1, and what the server tells the operator. */
import { SPF_RESULTS, type SpfResult } from "spf-check";
import type { ActionEvent, FilterEvent } from "../filter/index.ts";
import type { Log } from "../logging/index.ts";
import type { ServerEvent } from "../server/index.ts";

/** Counts what filters report, for SIGUSR1. */
export class Traffic {
  readonly #results = new Map<SpfResult, number>();
  readonly #actions = new Map<ActionEvent["action"], number>();
  /** With ReportOnly. */
  readonly #reported = new Map<ActionEvent["action"], number>();
  #cached = 0;
  #lookups = 0;

  add(event: FilterEvent): void {
    if (event.event === "action") {
      const counts = event.reportOnly ? this.#reported : this.#actions;
      counts.set(event.action, (counts.get(event.action) ?? 0) + 1);
      return;
    }
    this.#results.set(event.result, (this.#results.get(event.result) ?? 0) + 1);
    if (event.cached) this.#cached++;
    else this.#lookups += event.lookups;
  }

  /** For the log, in words. */
  counters(): string {
    let verdicts = 0;
    for (const count of this.#results.values()) verdicts += count;
    const results = SPF_RESULTS.map((result) => `${result} ${this.#results.get(result) ?? 0}`);
    const actions = [
      "refused",
      "tagged",
      "quarantined",
      "held",
      "skipped",
      "spared",
      "header removed",
    ] as const;
    const done = actions.map((action) => `${action} ${this.#actions.get(action) ?? 0}`);
    const reported = actions.flatMap((action) => {
      const count = this.#reported.get(action) ?? 0;
      return count === 0 ? [] : [`${action} ${count}`];
    });
    return (
      `verdicts: ${verdicts}, cached ${this.#cached}, ${results.join(", ")}; ` +
      `messages: ${done.join(", ")}; ${reported.length === 0 ? "" : `would have (ReportOnly): ${reported.join(", ")}; `}SPF lookups: ${this.#lookups}`
    );
  }
}

/** What the server tells the operator, in words for the log. */
export function tellServerEvent(event: ServerEvent, log: Pick<Log, "error" | "failure" | "warning">): void {
  switch (event.event) {
    case "protocol-error":
      log.warning(`connection of ${event.peer} closed: ${event.error.message} (${event.error.code})`);
      break;
    case "handler-error":
      log.failure(`error in the connection of ${event.peer}`, event.error);
      break;
    case "connection-refused":
      log.warning(`connections closed at once: ${event.count}; MaxConnections is ${event.maxConnections}`);
      break;
    case "messages-deferred":
      log.warning(
        `messages deferred with 452 4.3.1 because of what they held in memory: ${event.count}; ` +
          `all of them together may hold ${Math.round(event.octetsMax / 1_048_576)} MiB`,
      );
      break;
    case "memory-budget":
      log.warning(
        `connections closed because of what they held in memory: ${event.count}; ` +
          `all of them together may hold ${Math.round(event.octetsMax / 1_048_576)} MiB of unfinished messages`,
      );
      break;
    case "accept-error":
      log.error(`${event.count} connections could not be accepted: ${event.code}`);
      break;
  }
}
