import type { Answer, AnswerSource } from "spf-check";
import { isAskable, questionKey } from "../dns/index.ts";
import { Breaker, type CacheEngine, WriteQueue } from "./engine.ts";
import { isKeepable, readValue, Seal, VALUE_OCTETS_MAX, writeValue } from "./sealed-answers.ts";
import { type QuestionPorts, SharedQuestion } from "./shared-question.ts";

/** What the engine has not answered by then is an error. */
const GET_MS = 20;
/** Questions to the engine at once; further ones go to DNS alone. */
const GETS_MAX = 2000;
/** What is longer was not made here. */
const SEALED_OCTETS_MAX = VALUE_OCTETS_MAX + 256;
/** So many writes refused in a row are reported. */
const WRITE_ERRORS_MAX = 5;
/** The time of a probe: to connect, sign on, and be answered. */
const PROBE_MS = 3000;

const FORGED = "were not made with SharedCacheKey";

/** The kinds of errors that are counted separately; `other` is a value that nobody with the secret has made. */
export type SharedCacheError = "connect" | "timeout" | "reply" | "dropped" | "other";

/** Why a call came to nothing. */
interface Failure {
  readonly kind: SharedCacheError;
  readonly message: string;
}

const LATE: Failure = { kind: "timeout", message: "no answer in time" };

/** What a {@link SharedCache} works with. */
export interface SharedCacheOptions {
  readonly engine: CacheEngine;
  /** SharedCacheKey: at least 32 octets, the same on all hosts. */
  readonly secret: Uint8Array;
  /** The engine in words, without its password. */
  readonly name: string;
  /** The time of day in milliseconds since 1970. */
  readonly wallMs: () => number;
  /** A clock that nobody sets, in milliseconds; `performance.now`. */
  readonly nowMs?: () => number;
  /** What the operator is to know, in words. */
  readonly tell: (text: string) => void;
}

/** Counted since the start. */
export interface SharedCacheCounters {
  /** The engine answers. */
  readonly up: boolean;
  readonly hits: number;
  readonly misses: number;
  readonly writes: number;
  readonly errors: Readonly<Record<SharedCacheError, number>>;
}

/**
 * DNS answers that several hosts share. It can only help: the engine is asked first and DNS after 3 ms, the first
 * usable answer wins, and an engine that fails is left alone for a while. What comes from it is authenticated, and
 * read under the guards of a DNS message.
 */
export class SharedCache {
  readonly #options: SharedCacheOptions;
  readonly #seal: Seal;
  readonly #nowMs: () => number;
  readonly #breaker: Breaker;
  readonly #writes: WriteQueue;
  readonly #given = new WeakSet<Answer>();
  readonly #errors: Record<SharedCacheError, number> = {
    connect: 0,
    timeout: 0,
    reply: 0,
    dropped: 0,
    other: 0,
  };
  #hits = 0;
  #misses = 0;
  #written = 0;
  #gets = 0;
  /** When the caches were emptied, on the clock that nobody sets: values from before are no longer taken. */
  #emptiedAtMs: number | undefined;
  #emptied = 0;
  #writeErrors = 0;
  #isReadOnlyTold = false;
  #timer: NodeJS.Timeout | undefined;
  #isDownTold = false;
  #isForgeryTold = false;
  #isEnded = false;

  constructor(options: SharedCacheOptions) {
    this.#options = options;
    this.#seal = new Seal(options.secret);
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#breaker = new Breaker(this.#nowMs);
    this.#writes = new WriteQueue(options.engine, {
      failed: (error) => {
        if (error?.kind === "reply") {
          // It may be full, or a replica: what is read says whether it is of use.
          this.#errors.reply++;
          this.#notWritten(error.message);
        } else this.#failed(error ?? LATE);
      },
      written: () => {
        this.#written++;
        this.#writeErrors = 0;
        this.#breaker.succeeded();
        if (this.#isReadOnlyTold) options.tell(`SharedCache ${options.name} takes answers again`);
        this.#isReadOnlyTold = false;
      },
      dropped: () => {
        this.#errors.dropped++;
      },
    });
  }

  /** Connects, in the background. */
  start(): void {
    this.#probe();
  }

  /** Answers from the engine, or else from that source. */
  over(source: AnswerSource): AnswerSource {
    return {
      ask: (question, done) => {
        if (!isAskable(question.name)) return source.ask(question, done);
        const mayGet = this.#breaker.isClosed && this.#gets < GETS_MAX;
        if (mayGet) return new SharedQuestion(question, source, this.#ports, done);
        const key = questionKey(question);
        const emptied = this.#emptied;
        const known = source.ask(question, (answer) => {
          this.#share(key, answer, emptied);
          done(answer);
        });
        if (!("cancel" in known)) this.#share(key, known, emptied);
        return known;
      },
    };
  }

  /** Whether that very answer came from the engine. */
  gave(answer: Answer): boolean {
    return this.#given.has(answer);
  }

  /** From now on only what is written later is taken: the operator has emptied the caches. */
  forget(): void {
    this.#emptied++;
    this.#emptiedAtMs = this.#nowMs();
  }

  counters(): SharedCacheCounters {
    return {
      up: this.#breaker.isClosed,
      hits: this.#hits,
      misses: this.#misses,
      writes: this.#written,
      errors: { ...this.#errors },
    };
  }

  /** Ends the connection; DNS alone is asked from now on. */
  close(): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#breaker.open();
    this.#writes.clear();
    this.#options.engine.close();
  }

  readonly #ports: QuestionPorts = {
    get: (key, done) => {
      this.#get(key, done);
    },
    emptied: () => this.#emptied,
    share: (key, answer, emptied) => {
      this.#share(key, answer, emptied);
    },
  };

  /** `done` within 20 ms, with what the engine has, or undefined. */
  #get(key: string, done: (answer: Answer | undefined) => void): void {
    const name = this.#seal.nameOf(key);
    this.#gets++;
    this.#getInTime(name, (failure, sealed) => {
      this.#gets--;
      if (failure !== undefined) this.#failed(failure);
      done(failure === undefined ? this.#read(key, name, sealed) : undefined);
    });
  }

  /** `done` once, with what the engine says within 20 ms. */
  #getInTime(
    name: string,
    done: (failure: Failure | undefined, sealed: Uint8Array | undefined) => void,
  ): void {
    let isOver = false;
    const over = (failure: Failure | undefined, sealed?: Uint8Array): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      done(failure, sealed);
    };
    const timer = setTimeout(() => {
      // An answer may have come in while something of ours held the event loop: it is read before this.
      setImmediate(over, LATE);
    }, GET_MS);
    this.#options.engine.get(name, over);
  }

  #read(key: string, name: string, sealed: Uint8Array | undefined): Answer | undefined {
    if (sealed === undefined) {
      this.#breaker.succeeded();
      this.#misses++;
      return undefined;
    }
    const text = sealed.length > SEALED_OCTETS_MAX ? undefined : this.#seal.open(name, sealed);
    const wallMs = this.#options.wallMs();
    const sinceMs = this.#emptiedAtMs === undefined ? Infinity : this.#nowMs() - this.#emptiedAtMs;
    const times = { wallMs, notBeforeMs: Math.floor(wallMs - sinceMs) };
    const answer = text === undefined ? undefined : readValue(key, text, times);
    if (answer === undefined) {
      if (!this.#isForgeryTold) {
        this.#isForgeryTold = true;
        this.#options.tell(
          `SharedCache ${this.#options.name} holds values that ${FORGED}; they are not used`,
        );
      }
      this.#failed({ kind: "other", message: `values ${FORGED}` });
      this.#misses++;
      return undefined;
    }
    this.#breaker.succeeded();
    if (answer === "over") {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    this.#given.add(answer);
    return answer;
  }

  #share(key: string, answer: Answer, emptied: number): void {
    // What was asked before the caches were emptied would come back as new.
    if (!this.#breaker.isClosed || emptied !== this.#emptied || !isKeepable(answer)) return;
    const value = writeValue(key, answer, this.#options.wallMs());
    if (value === undefined) return;
    const name = this.#seal.nameOf(key);
    const { text, lifeMs } = value;
    this.#writes.add({ name, lifeMs, value: () => this.#seal.seal(name, text) });
  }

  /** What is read may be well: refusals open no circuit, and somebody should know. */
  #notWritten(reason: string): void {
    if (++this.#writeErrors < WRITE_ERRORS_MAX || this.#isReadOnlyTold) return;
    this.#isReadOnlyTold = true;
    this.#options.tell(`SharedCache ${this.#options.name} takes no answers of this host: ${reason}`);
  }

  #failed({ kind, message }: Failure): void {
    this.#errors[kind]++;
    if (this.#breaker.failed()) this.#pause(message);
  }

  #pause(reason: string): void {
    this.#writes.clear();
    this.#options.engine.close();
    const pauseMs = this.#breaker.nextPauseMs();
    if (!this.#isDownTold) {
      this.#options.tell(
        `SharedCache ${this.#options.name} is out of use: ${reason}; until it is back, only DNS is asked`,
      );
    }
    this.#isDownTold = true;
    this.#timer = setTimeout(() => {
      this.#probe();
    }, pauseMs).unref();
  }

  /**
   * Connects and asks for a key that is not there: once to be signed on, and once more as a question would, since an
   * engine that answers too late is of no use.
   */
  #probe(): void {
    const { engine, name, tell } = this.#options;
    const key = this.#seal.nameOf("probe");
    let isOver = false;
    const over = (failure: Failure | undefined): void => {
      if (isOver || this.#isEnded) return;
      isOver = true;
      clearTimeout(this.#timer);
      if (failure === undefined) {
        this.#breaker.close();
        this.#isDownTold = false;
        tell(`SharedCache ${name} answers`);
        return;
      }
      this.#errors[failure.kind]++;
      this.#pause(failure.message);
    };
    this.#timer = setTimeout(() => {
      over(LATE);
    }, PROBE_MS).unref();
    engine.open((openError) => {
      if (isOver || this.#isEnded) return;
      if (openError !== undefined) {
        over(openError);
        return;
      }
      engine.get(key, (error) => {
        if (error === undefined) this.#getInTime(key, over);
        else over(error);
      });
    });
  }
}
