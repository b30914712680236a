import type { CacheEngine, EngineError } from "./engine.ts";

/** Writes on their way, and those that wait: memory that a slow engine may take is 16 MiB. */
const SENT_MAX = 64;
const WAITING_MAX = 1000;
/** How long a write may take; nobody waits for it. */
const WRITE_MS = 1000;

/** One value to be kept; it is made when its turn comes. */
export interface Write {
  readonly name: string;
  readonly lifeMs: number;
  readonly value: () => Uint8Array;
}

/** What a {@link WriteQueue} tells. */
export interface WriteListener {
  /** A write came to nothing; undefined: it took too long. */
  failed(error: EngineError | undefined): void;
  written(): void;
  dropped(): void;
}

/** Writes in the background, so many at once; more than wait already are dropped. */
export class WriteQueue {
  readonly #engine: CacheEngine;
  readonly #listener: WriteListener;
  readonly #waiting: Write[] = [];
  #sent = 0;
  /** Writes of a connection that was dropped no longer count. */
  #run = 0;
  #isScheduled = false;

  constructor(engine: CacheEngine, listener: WriteListener) {
    this.#engine = engine;
    this.#listener = listener;
  }

  add(write: Write): void {
    if (this.#waiting.length >= WAITING_MAX) {
      this.#listener.dropped();
      return;
    }
    this.#waiting.push(write);
    if (this.#isScheduled || this.#sent >= SENT_MAX) return;
    this.#isScheduled = true;
    // Whoever waits for the answer comes first.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  /** Drops what waits and what is on its way. */
  clear(): void {
    for (const _write of this.#waiting) this.#listener.dropped();
    this.#waiting.length = 0;
    this.#sent = 0;
    this.#run++;
  }

  #send(): void {
    const run = this.#run;
    while (run === this.#run && this.#sent < SENT_MAX) {
      const write = this.#waiting.shift();
      if (write === undefined) return;
      this.#sent++;
      let isOver = false;
      const over = (): boolean => {
        if (isOver || run !== this.#run) return false;
        isOver = true;
        clearTimeout(timer);
        this.#sent--;
        return true;
      };
      const timer = setTimeout(() => {
        if (!over()) return;
        this.#listener.failed(undefined);
        this.#send();
      }, WRITE_MS).unref();
      this.#engine.set(write.name, write.value(), write.lifeMs, (error) => {
        if (!over()) return;
        if (error === undefined) this.#listener.written();
        else this.#listener.failed(error);
        this.#send();
      });
    }
  }
}
