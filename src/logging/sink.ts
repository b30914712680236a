/** What every sink of the log has: levels, a bounded queue, writes of many lines at once, losses that are reported. */

/** One of the levels of syslog that smf-spf writes, most urgent first. */
export type LogLevel = "error" | "warning" | "notice" | "info" | "debug";

/** The severity of a level in RFC 5424 section 6.2.1. */
export const SEVERITY: Record<LogLevel, number> = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 };

/** Whether a line of this level is written when `threshold` is the least urgent level wanted. */
export function isWanted(level: LogLevel, threshold: LogLevel): boolean {
  return SEVERITY[level] <= SEVERITY[threshold];
}

/** Where lines go. Nothing here blocks or throws: what cannot be written is dropped, counted, reported later. */
export interface Sink {
  write(level: LogLevel, line: string): void;
  /** Starts what helps to write: until then lines may wait in the queue. */
  start(): void;
  /** Reopens a file after rotation; the words of a failure, or undefined. */
  reopen(): string | undefined;
  /** Lines lost and not reported yet. */
  readonly lost: number;
  /** All lines lost since the sink was made. */
  readonly lostInAll: number;
  readonly kind: "syslog" | "file";
  /** Writes what is waiting, for a limited time, and closes. */
  close(): Promise<void>;
}

/** Lines that wait for a sink at most, 1,000 octets each. */
export const QUEUE_LINES_MAX = 10_000;

/** How long a sink may take for its last lines. */
export const CLOSE_MS_MAX = 1_000;

/** Writes a message of the log's own in the format that is set. */
export type FormatOwn = (level: LogLevel, text: string) => string;

/** What tells of lost lines, once there is a way again. */
export function lostText(lines: number, reason: string): string {
  return `log: ${lines} ${lines === 1 ? "line was" : "lines were"} lost${reason === "" ? "" : ` (${reason})`}`;
}

/** A line on its way to a sink. */
export interface QueuedLine {
  readonly level: LogLevel;
  readonly line: string;
}

/** Lines that a sink has not taken yet: bounded, the newest are dropped and counted when it is full. */
export class LineQueue {
  readonly #linesMax: number;
  #lines: QueuedLine[] = [];
  #dropped = 0;
  #told = 0;

  constructor(linesMax: number) {
    this.#linesMax = linesMax;
  }

  get length(): number {
    return this.#lines.length;
  }

  push(line: QueuedLine): void {
    if (this.#lines.length >= this.#linesMax) this.#dropped++;
    else this.#lines.push(line);
  }

  /** Takes up to `linesMax` lines from the front. */
  take(linesMax: number): QueuedLine[] {
    if (this.#lines.length <= linesMax) {
      const all = this.#lines;
      this.#lines = [];
      return all;
    }
    return this.#lines.splice(0, linesMax);
  }

  /** Puts lines back that were taken and not delivered. */
  giveBack(lines: readonly QueuedLine[]): void {
    this.#lines = [...lines, ...this.#lines];
    const over = this.#lines.length - this.#linesMax;
    if (over > 0) {
      this.#lines.length = this.#linesMax;
      this.#dropped += over;
    }
  }

  /** Counts lines that were taken and are lost. */
  lose(lines: number): void {
    this.#dropped += lines;
  }

  /** The number of lines lost since the last call that returned it. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#told += dropped;
    this.#dropped = 0;
    return dropped;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** All lines lost since the start. */
  get droppedInAll(): number {
    return this.#told + this.#dropped;
  }
}

/** How long an ordinary line may wait for others: nobody who reads along sees it, and one write serves many lines. */
const GATHER_MS = 20;

/**
 * Says when lines are written: warnings and worse at once, ordinary ones a moment later together with those that
 * have come meanwhile. A write of its own for every line would be a third of what a message costs.
 */
export class WriteBatcher {
  readonly #linesMax: number;
  readonly #write: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param linesMax lines that do not wait for more */
  constructor(linesMax: number, write: () => void) {
    this.#linesMax = linesMax;
    this.#write = write;
  }

  /** A line has come; this many wait now. */
  add(level: LogLevel, waiting: number): void {
    if (waiting >= this.#linesMax || SEVERITY[level] <= SEVERITY.warning) this.flush();
    else this.wait();
  }

  /** Lines are waiting, none of them urgent. */
  wait(): void {
    this.#timer ??= setTimeout(() => {
      this.flush();
    }, GATHER_MS);
  }

  /** Now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#write();
  }
}
