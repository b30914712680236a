/**
 * Counts something that may happen very often and tells of it at most once an interval: the first time at
 * once, what follows as a sum when the interval is over.
 */
export class RateLimitedCount {
  readonly #intervalMs: number;
  readonly #tell: (count: number) => void;
  #untold = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number, tell: (count: number) => void) {
    this.#intervalMs = intervalMs;
    this.#tell = tell;
  }

  add(count = 1): void {
    this.#untold += count;
    if (this.#timer === undefined) this.#flush();
  }

  /** Tells what is left and stops the timer. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#untold > 0) this.#tellAll();
  }

  #flush(): void {
    this.#timer = undefined;
    if (this.#untold === 0) return;
    this.#tellAll();
    this.#timer = setTimeout(() => {
      this.#flush();
    }, this.#intervalMs).unref();
  }

  #tellAll(): void {
    const count = this.#untold;
    this.#untold = 0;
    this.#tell(count);
  }
}
