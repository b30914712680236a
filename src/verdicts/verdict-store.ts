import { LRUCache } from "lru-cache";
import type { Outcome } from "spf-check";
import { KeptVerdict } from "./kept-verdict.ts";
import { ownText } from "./own-text.ts";
import { MACRO_MASKS, macroMask, type VerdictInput, widenedKey } from "./verdict-key.ts";
import { weighVerdict } from "./weigh.ts";

/** A verdict from memory, without what {@link KeptVerdict} leaves out. */
export interface StoredVerdict {
  readonly outcome: Outcome;
  readonly cached: true;
  readonly elapsedMs: 0;
}

/** Under a base key where every verdict so far has read macros. */
type Signpost = Pick<KeptVerdict, "masksSeen">;

/**
 * Verdicts by what they depend on. An evaluation reads macros one after the other, and what it reads next depends
 * only on what it has read; so a verdict holds for everyone who has the same values in the macros it has read.
 * Which those are is remembered under the client and domain.
 */
export class VerdictStore {
  #entries: LRUCache<string, KeptVerdict | Signpost> | undefined;
  #lifeMsMax = 0;

  /** @param ttlSeconds the longest life; 0, or no entries, keeps nothing. */
  constructor(entriesMax: number, octetsMax: number, ttlSeconds: number) {
    this.setLimits(entriesMax, octetsMax, ttlSeconds, 0);
  }

  /** Changes the bounds; what is in memory stays as far as they let it, and what was used last stays first. */
  setLimits(entriesMax: number, octetsMax: number, ttlSeconds: number, nowMs: number): void {
    const before = this.#entries?.dump() ?? [];
    this.#lifeMsMax = ttlSeconds * 1000;
    const keeps = entriesMax > 0 && ttlSeconds > 0;
    this.#entries = keeps ? new LRUCache({ max: entriesMax, maxSize: octetsMax }) : undefined;
    const latestMs = nowMs + this.#lifeMsMax;
    for (const [, entry] of before) {
      const { value } = entry;
      if (value instanceof KeptVerdict && value.expiresMs > latestMs) {
        entry.value = value.with({ expiresMs: latestMs });
      }
    }
    this.#entries?.load(before);
  }

  get size(): number {
    return this.#entries?.size ?? 0;
  }

  get(base: string, input: VerdictInput, nowMs: number): StoredVerdict | undefined {
    const entry = this.#entries?.get(base);
    if (entry === undefined) return undefined;
    if (entry instanceof KeptVerdict && entry.expiresMs > nowMs) return stored(entry, input);
    for (const mask of MACRO_MASKS) {
      if ((entry.masksSeen & (1 << mask)) === 0) continue;
      const widened = this.#entries?.get(widenedKey(mask, base, input));
      if (widened instanceof KeptVerdict && widened.expiresMs > nowMs) return stored(widened, input);
    }
    return undefined;
  }

  /** Whether verdicts on this client and domain are known to differ from sender to sender. */
  isWidened(base: string): boolean {
    return ((this.#entries?.peek(base)?.masksSeen ?? 0) & ~1) !== 0;
  }

  /**
   * A temperror is never kept, nor one of the local rules. Life counts from when the evaluation began: its first
   * answer may have come long before its last, and the verdict must outlive none.
   */
  set(base: string, input: VerdictInput, outcome: Outcome, beganMs: number, nowMs: number): void {
    if (this.#entries === undefined) return;
    if (outcome.result === "temperror" || outcome.local?.result === "temperror") return;
    const expiresMs = beganMs + Math.min(this.#lifeMsMax, outcome.ttlSeconds * 1000);
    if (!(expiresMs > nowMs)) return;
    const mask = macroMask(outcome.macrosRead);
    const before = this.#entries.peek(base);
    const masksSeen = (before?.masksSeen ?? 0) | (1 << mask);
    const verdict = new KeptVerdict(outcome, input.domain, expiresMs, mask === 0 ? masksSeen : 0);
    if (mask === 0) {
      this.#put(base, verdict);
      return;
    }
    this.#put(base, before instanceof KeptVerdict ? before.with({ masksSeen }) : { masksSeen });
    this.#put(widenedKey(mask, base, input), verdict);
  }

  #put(key: string, entry: KeptVerdict | Signpost): void {
    const outcome = entry instanceof KeptVerdict ? entry.outcome("") : undefined;
    this.#entries?.set(ownText(key), entry, { size: weighVerdict(key, outcome) });
  }
}

function stored(entry: KeptVerdict, { domain }: VerdictInput): StoredVerdict {
  return { outcome: entry.outcome(domain), cached: true, elapsedMs: 0 };
}
