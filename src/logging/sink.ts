import type { LogLevel } from "./levels.ts";

/** Where lines go. Nothing here blocks or throws: what cannot be written is dropped, counted, told later. */
export interface Sink {
  write(level: LogLevel, line: string): void;
  /** Starts what helps to write: until then lines may wait in the queue. */
  start(): void;
  /** Opens a file anew after rotation; the words of a failure, or undefined. */
  reopen(): string | undefined;
  /** Lines lost and not told yet. */
  readonly lost: number;
  /** Writes what is waiting, for a limited time, and closes. */
  close(): Promise<void>;
}

/** Lines that wait for a sink at most, 1,000 octets each. */
export const QUEUE_LINES_MAX = 10_000;

/** How long a sink may take for its last lines. */
export const CLOSE_MS_MAX = 1_000;

/** Writes a message of the log's own in the format that is set. */
export type OwnWords = (level: LogLevel, text: string) => string;

/** What tells of lost lines, once there is a way again. */
export function lostText(lines: number, reason: string): string {
  return `log: ${lines} ${lines === 1 ? "line was" : "lines were"} lost${reason === "" ? "" : ` (${reason})`}`;
}
