import type { LogLevel } from "./levels.ts";

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

  /** The number of lines lost since the last call that told it. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  get dropped(): number {
    return this.#dropped;
  }
}
