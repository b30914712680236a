import type { Log } from "../logging/index.ts";
import type { ServerEvent } from "../server/index.ts";

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
