/** What is counted for SIGUSR1, and what the server tells the operator. */
import { SPF_RESULTS, type SpfResult } from "spf-check";
import { ACTIONS, type Action, type FilterEvent } from "../filter/index.ts";
import type { Log } from "../logging/index.ts";
import type { ServerEvent, ServerStatistics } from "../server/index.ts";
import type { SharedCache } from "../shared-cache/index.ts";

/** Counts what filters report, for SIGUSR1. */
export class Traffic {
  readonly #results = new Map<SpfResult, number>();
  readonly #actions = new Map<Action, number>();
  /** With ReportOnly. */
  readonly #reported = new Map<Action, number>();
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
    const done = ACTIONS.map((action) => `${action} ${this.#actions.get(action) ?? 0}`);
    const reported = ACTIONS.flatMap((action) => {
      const count = this.#reported.get(action) ?? 0;
      return count === 0 ? [] : [`${action} ${count}`];
    });
    return (
      `verdicts: ${verdicts}, cached ${this.#cached}, ${results.join(", ")}; ` +
      `messages: ${done.join(", ")}; ${reported.length === 0 ? "" : `would have (ReportOnly): ${reported.join(", ")}; `}SPF lookups: ${this.#lookups}`
    );
  }
}

/** Of SharedCache, in words; nothing without it. */
export function sharedCounters(shared: SharedCache | undefined): string[] {
  if (shared === undefined) return [];
  const { up, hits, misses, writes, errors } = shared.counters();
  const { dropped, ...failed } = errors;
  const kinds = Object.entries(failed).map(([kind, count]) => `${count} ${kind}`);
  return [
    `shared cache: ${up ? "in use" : "out of use"}, ${hits} hits, ${misses} misses, ${writes} writes, ` +
      `${dropped} dropped; errors: ${kinds.join(", ")}`,
  ];
}

/** Of connections, in words. */
export function connectionCounters(server: ServerStatistics): string {
  return (
    `connections: ${server.open} open, ${server.busy} with a message in progress, ${server.accepted} accepted; ` +
    `closed: ${server.refused} over MaxConnections, ${server.idleClosed} idle, ${server.overBudget} for their memory; ` +
    `messages deferred for their memory: ${server.deferred}; ` +
    `errors: ${server.acceptErrors} at accept, ${server.protocolErrors} of protocol, ${server.handlerErrors} internal`
  );
}

/** Of this process, in words. */
export function processCounters(linesLost: number): string {
  const { rss, heapUsed } = process.memoryUsage();
  return `memory: ${mebibytes(rss)}, heap ${mebibytes(heapUsed)}; log lines lost: ${linesLost}; up ${Math.floor(process.uptime())} s`;
}

function mebibytes(octets: number): string {
  return `${Math.round(octets / 1_048_576)} MiB`;
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
          `all of them together may hold ${mebibytes(event.octetsMax)}`,
      );
      break;
    case "memory-budget":
      log.warning(
        `connections closed because of what they held in memory: ${event.count}; ` +
          `all of them together may hold ${mebibytes(event.octetsMax)} of unfinished messages`,
      );
      break;
    case "accept-error":
      log.error(`${event.count} connections could not be accepted: ${event.code}`);
      break;
  }
}
