/** Errors in a row after which an engine is left alone. */
const ERRORS_MAX = 5;
const FIRST_PAUSE_MS = 5000;
const PAUSE_MS_MAX = 5 * 60_000;
/** One that has served for so long has recovered; one that opens again before that goes on with longer pauses. */
const STEADY_MS = 60_000;

/**
 * Whether an engine is to be used. Five errors in a row open the circuit; after a pause one probe decides whether it
 * closes again, and each probe that fails doubles the pause. So does an engine that answers its probe and no more: it
 * must not come and go every few seconds.
 */
export class Breaker {
  /** It is open until the first probe has succeeded. */
  #isClosed = false;
  #errors = 0;
  #pauseMs = FIRST_PAUSE_MS;
  readonly #nowMs: () => number;
  #closedAtMs = 0;

  /** @param nowMs a clock in milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Calls may be made. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A call was answered. */
  succeeded(): void {
    this.#errors = 0;
  }

  /** A call came to nothing; true where this opens the circuit: the pause begins. */
  failed(): boolean {
    if (!this.#isClosed || ++this.#errors < ERRORS_MAX) return false;
    if (this.#nowMs() - this.#closedAtMs >= STEADY_MS) this.#pauseMs = FIRST_PAUSE_MS;
    this.open();
    return true;
  }

  /** No call is made any more. */
  open(): void {
    this.#isClosed = false;
  }

  /** The time until the next probe, in milliseconds; longer every time until the engine has served for a minute. */
  nextPauseMs(): number {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
    return pauseMs;
  }

  /** The probe was answered. */
  close(): void {
    this.#isClosed = true;
    this.#errors = 0;
    this.#closedAtMs = this.#nowMs();
  }
}
