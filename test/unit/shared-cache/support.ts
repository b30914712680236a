import type { Answer, AnswerSource, Pending, Question } from "spf-check";
import { type CacheEngine, type EngineError, SharedCache } from "../../../src/shared-cache/index.ts";

export const SECRET = Buffer.from("a secret that has more than 32 octets");
export const START_MS = 1_800_000_000_000;

/** An engine in memory whose every reaction is chosen by the test. */
export class FakeEngine implements CacheEngine {
  readonly kept = new Map<string, { value: Uint8Array; ttlMs: number }>();
  readonly calls: string[] = [];
  /** How it behaves: it answers after so many milliseconds, with an error, or never. */
  behaviour: {
    readonly afterMs?: number;
    readonly error?: EngineError;
    readonly isSilent?: boolean;
    readonly ignoresWrites?: boolean;
    readonly writeError?: EngineError;
  } = {};
  opens = 0;

  open(done: (error?: EngineError) => void): void {
    this.opens++;
    this.#react("open", () => {
      done(this.behaviour.error);
    });
  }

  get(key: string, done: (error: EngineError | undefined, value: Uint8Array | undefined) => void): void {
    this.#react(`get ${key}`, () => {
      const { error } = this.behaviour;
      done(error, error === undefined ? this.kept.get(key)?.value : undefined);
    });
  }

  set(key: string, value: Uint8Array, ttlMs: number, done: (error: EngineError | undefined) => void): void {
    this.#react(`set ${key}`, () => {
      const error = this.behaviour.error ?? this.behaviour.writeError;
      if (error === undefined) this.kept.set(key, { value, ttlMs });
      done(error);
    });
  }

  close(): void {
    this.calls.push("close");
  }

  #react(call: string, react: () => void): void {
    this.calls.push(call);
    const { isSilent = false, ignoresWrites = false, afterMs = 0 } = this.behaviour;
    if (!isSilent && !(ignoresWrites && call.startsWith("set"))) setTimeout(react, afterMs);
  }
}

/** A name server whose answers the test gives. */
export class FakeDns implements AnswerSource {
  readonly asked: Question[] = [];
  readonly cancelled: Question[] = [];
  /** What it answers and when; nothing while undefined. */
  answer: { readonly answer: Answer; readonly afterMs: number } | undefined;

  ask(question: Question, done: (answer: Answer) => void): Pending {
    this.asked.push(question);
    const { answer } = this;
    const timer = answer === undefined ? undefined : setTimeout(done, answer.afterMs, answer.answer);
    return {
      cancel: () => {
        clearTimeout(timer);
        this.cancelled.push(question);
      },
    };
  }
}

export interface Host {
  readonly cache: SharedCache;
  readonly dns: FakeDns;
  readonly told: string[];
  readonly source: AnswerSource;
}

/** One of the hosts that share an engine. */
export function hostOf(
  engine: CacheEngine,
  { secret = SECRET, wallMs = (): number => Date.now() } = {},
): Host {
  const told: string[] = [];
  const dns = new FakeDns();
  const cache = new SharedCache({
    engine,
    secret,
    name: "redis://cache",
    wallMs,
    nowMs: () => Date.now(),
    tell: (text) => told.push(text),
  });
  return { cache, dns, told, source: cache.over(dns) };
}

export const replyError = (text: string): EngineError => ({ kind: "reply", message: text });
export const connectError = (text: string): EngineError => ({ kind: "connect", message: text });
