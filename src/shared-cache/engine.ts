/**
 * An engine such as Valkey or Redis: four functions, so that a client can be replaced; and the care taken with it, whatever
 * the client: one that fails is left alone, and one that is slow takes no more than so much memory.
 */

/** Where an engine is, and how to sign on to it. */
export interface EngineAddress {
  /** One server, several nodes of a cluster, or several Sentinels; empty for a Unix socket. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** The Unix socket. */
  readonly path: string | undefined;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** The number of the database. */
  readonly db: number;
  /** The name of the master that the hosts, which then are Sentinels, are asked for. */
  readonly sentinel: string | undefined;
  /** The file of the certificates that vouch for the engine, where those of the system do not. */
  readonly caFile: string | undefined;
}

/** Why a call of an engine came to nothing. A plain value: a class would be another one in another bundle. */
export interface EngineError {
  /** connect: there is no connection. reply: the engine answered with an error. */
  readonly kind: "connect" | "reply";
  readonly message: string;
}

/**
 * A connection to an engine. `done` is called once, in a later tick; the caller has time limits of its own and does
 * not rely on any here.
 */
export interface CacheEngine {
  /** Connects; after {@link close} it may be called again. */
  open(done: (error?: EngineError) => void): void;
  /** Undefined without an error: there is no such key. */
  get(key: string, done: (error: EngineError | undefined, value: Uint8Array | undefined) => void): void;
  /** @param ttlMs after which the engine forgets it */
  set(key: string, value: Uint8Array, ttlMs: number, done: (error: EngineError | undefined) => void): void;
  /** Drops the connection, and whatever waits for it. */
  close(): void;
}

/** Errors in a row after which an engine is left alone. */
const ERRORS_MAX = 5;
const FIRST_PAUSE_MS = 5000;
const PAUSE_MS_MAX = 5 * 60_000;
/** A circuit that was closed for so long has recovered; one that opens again before that goes on with longer pauses. */
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

/** Writes in the background, a number at once; what finds the queue full is dropped. */
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
