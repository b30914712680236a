import { type LogLevel, SEVERITY } from "./levels.ts";

/** How long an ordinary line may wait for others: nobody who reads along sees it, and one write serves many lines. */
const GATHER_MS = 20;

/**
 * Says when lines are written: warnings and worse at once, ordinary ones a moment later together with those that
 * have come meanwhile. A write of its own for every line would be a third of what a message costs.
 */
export class Gathering {
  readonly #linesMax: number;
  readonly #write: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param linesMax lines that do not wait for more */
  constructor(linesMax: number, write: () => void) {
    this.#linesMax = linesMax;
    this.#write = write;
  }

  /** A line has come; so many wait now. */
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
