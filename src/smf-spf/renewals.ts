/** How {@link Renewals} are made. */
export interface RenewalsOptions {
  /** Whether there is time for them: asked before each. */
  readonly mayAsk: () => boolean;
  /** Names that wait for their end; the one that was noted first makes way for one more. 1,000. */
  readonly namesMax?: number;
  /** The clock of the ends, in milliseconds; `performance.now`. */
  readonly nowMs?: () => number;
}

/**
 * A resolver counts whole seconds, and may give away the last of them as a TTL of 0: what is asked before it is over
 * comes back with nothing to keep.
 */
const GRACE_MS = 1000;
/**
 * What lives longer is not noted: it would hold its place for a question a day. Who owns a domain chooses its TTL, and a
 * timer of more than 24 days ends at once.
 */
const LIFE_MS_MAX = 24 * 3_600_000;
/** 50 a second, a few at a time. */
const TURN_MS = 100;
const TURN_MAX = 5;

/**
 * What was in use and is about to end: it is asked for again when it has ended, so that no message has to wait for it.
 * Behind a resolver that keeps answers, asking earlier brings back what is left of the old TTL. It only ever takes what
 * mail leaves: a bounded number, at a bounded rate, none while anything waits.
 */
export class Renewals {
  readonly #options: RenewalsOptions;
  readonly #namesMax: number;
  readonly #nowMs: () => number;
  readonly #noted = new Set<{ readonly dueMs: number; readonly renew: () => void }>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer ends. */
  #wakesMs = Infinity;
  #isStopped = false;

  constructor(options: RenewalsOptions) {
    this.#options = options;
    this.#namesMax = options.namesMax ?? 1000;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** @param renew called once, after `expiresMs`, or never. It must see for itself whether it is still needed. */
  note(expiresMs: number, renew: () => void): void {
    if (this.#isStopped || expiresMs - this.#nowMs() > LIFE_MS_MAX) return;
    const [first] = this.#noted;
    if (first !== undefined && this.#noted.size >= this.#namesMax) this.#noted.delete(first);
    const dueMs = expiresMs + GRACE_MS;
    this.#noted.add({ dueMs, renew });
    if (dueMs < this.#wakesMs) this.#wakeAt(dueMs);
  }

  /** What was noted is forgotten. */
  clear(): void {
    this.#noted.clear();
    this.#wakesMs = Infinity;
    clearTimeout(this.#timer);
  }

  /** From now on nothing is noted or asked for. */
  stop(): void {
    this.#isStopped = true;
    this.clear();
  }

  #wakeAt(atMs: number): void {
    clearTimeout(this.#timer);
    this.#wakesMs = atMs;
    this.#timer = setTimeout(
      () => {
        this.#wake();
      },
      Math.max(0, atMs - this.#nowMs()),
    ).unref();
  }

  #wake(): void {
    const nowMs = this.#nowMs();
    let left = TURN_MAX;
    let nextMs = Infinity;
    for (const name of this.#noted) {
      if (name.dueMs > nowMs || left === 0) {
        nextMs = Math.min(nextMs, name.dueMs);
        continue;
      }
      this.#noted.delete(name);
      if (!this.#options.mayAsk()) continue;
      left--;
      name.renew();
    }
    this.#wakesMs = Infinity;
    if (nextMs < Infinity) this.#wakeAt(Math.max(nextMs, nowMs + TURN_MS));
  }
}
