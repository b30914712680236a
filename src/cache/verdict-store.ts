import { LRUCache } from "lru-cache";
import type { Outcome } from "../spf-check/index.ts";
import { MACRO_MASKS, macroMask, macroSet, type VerdictInput, widenedKey } from "./verdict-key.ts";
import { weighVerdict } from "./weigh.ts";

/** A verdict in memory, ready to be handed out: every hit gets the same object. */
export interface StoredVerdict {
  readonly outcome: Outcome;
  readonly cached: true;
  readonly elapsedMs: 0;
}

interface Entry {
  readonly verdict: StoredVerdict | undefined;
  readonly expiresMs: number;
  /** Under a base key: a bit for each mask of macros that a verdict on this client and domain has read. */
  readonly masksSeen: number;
}

/**
 * Verdicts by what they depend on. An evaluation reads macros one after the other, and what it reads next depends
 * only on what it has read; so a verdict holds for everyone who has the same values in the macros it has read.
 * Which those are is remembered under the client and domain.
 */
export class VerdictStore {
  readonly #entries: LRUCache<string, Entry> | undefined;
  readonly #lifeMsMax: number;

  /** @param ttlSeconds the longest life; 0, or no entries, keeps nothing. */
  constructor(entriesMax: number, octetsMax: number, ttlSeconds: number) {
    this.#lifeMsMax = ttlSeconds * 1000;
    this.#entries =
      entriesMax > 0 && ttlSeconds > 0 ? new LRUCache({ max: entriesMax, maxSize: octetsMax }) : undefined;
  }

  get size(): number {
    return this.#entries?.size ?? 0;
  }

  clear(): void {
    this.#entries?.clear();
  }

  get(base: string, input: VerdictInput, nowMs: number): StoredVerdict | undefined {
    const entry = this.#entries?.get(base);
    if (entry === undefined) return undefined;
    if (entry.verdict !== undefined && entry.expiresMs > nowMs) return entry.verdict;
    for (const mask of MACRO_MASKS) {
      if ((entry.masksSeen & (1 << mask)) === 0) continue;
      const widened = this.#entries?.get(widenedKey(mask, base, input));
      if (widened?.verdict !== undefined && widened.expiresMs > nowMs) return widened.verdict;
    }
    return undefined;
  }

  /** Whether verdicts on this client and domain are known to differ from sender to sender. */
  isWidened(base: string): boolean {
    return ((this.#entries?.peek(base)?.masksSeen ?? 0) & ~1) !== 0;
  }

  /** A temperror is never kept, nor one of the local rules. */
  set(base: string, input: VerdictInput, outcome: Outcome, nowMs: number): void {
    if (
      this.#entries === undefined ||
      outcome.result === "temperror" ||
      outcome.local?.result === "temperror"
    )
      return;
    const lifeMs = Math.min(this.#lifeMsMax, outcome.ttlSeconds * 1000);
    if (!(lifeMs > 0)) return;
    const mask = macroMask(outcome.macrosRead);
    const verdict: StoredVerdict = {
      outcome: { ...outcome, macrosRead: macroSet(mask), trace: undefined },
      cached: true,
      elapsedMs: 0,
    };
    const expiresMs = nowMs + lifeMs;
    const masksSeen = (this.#entries.peek(base)?.masksSeen ?? 0) | (1 << mask);
    if (mask === 0) {
      this.#put(base, { verdict, expiresMs, masksSeen });
    } else {
      this.#put(base, { ...(this.#entries.peek(base) ?? { verdict: undefined, expiresMs }), masksSeen });
      this.#put(widenedKey(mask, base, input), { verdict, expiresMs, masksSeen: 0 });
    }
  }

  #put(key: string, entry: Entry): void {
    this.#entries?.set(key, entry, { size: weighVerdict(key, entry.verdict?.outcome) });
  }
}
