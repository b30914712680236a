import { LRUCache } from "lru-cache";
import { isNoMailRecord, type Outcome, type PathStep, type SenderMacro } from "spf-check";
import { type OctetString, ownText } from "../address/index.ts";
import type { EvaluationRequest } from "../filter/index.ts";

/** What a verdict can depend on, DNS and the clock aside. */
export type VerdictInput = Pick<EvaluationRequest, "ip" | "domain" | "sender" | "helo" | "receiver">;

const LETTERS: readonly SenderMacro[] = ["s", "l", "o", "h"];

/** A set of the sender's macros as a number of four bits. */
export type MacroMask = number;

/** Every mask but the empty one. */
const MACRO_MASKS: readonly MacroMask[] = Array.from({ length: 15 }, (_, i) => i + 1);

/** The set for each mask: verdicts in memory share them. */
const MACRO_SETS: readonly ReadonlySet<SenderMacro>[] = Array.from(
  { length: 16 },
  (_, mask) => new Set(LETTERS.filter((_letter, bit) => (mask & (1 << bit)) !== 0)),
);

/** The mask of a set. */
export function macroMask(macros: ReadonlySet<SenderMacro>): MacroMask {
  let mask = 0;
  for (const [bit, letter] of LETTERS.entries()) if (macros.has(letter)) mask |= 1 << bit;
  return mask;
}

/** The set of a mask, always the same object. */
export function macroSet(mask: MacroMask): ReadonlySet<SenderMacro> {
  return MACRO_SETS[mask] ?? new Set(LETTERS);
}

/**
 * The key of what every verdict depends on. An address never has a space, and the domain's length says where it
 * ends: no text of a client can make the key of another.
 */
export function baseKey({ ip, domain, receiver }: VerdictInput): string {
  return `${ip.text} ${domain.length} ${domain}${receiver}`;
}

/** The key of a verdict that has read the macros of a mask: a base key begins with none of the four letters. */
function widenedKey(mask: MacroMask, base: string, input: VerdictInput): string {
  let key = "";
  for (const [bit, letter] of LETTERS.entries()) {
    if ((mask & (1 << bit)) === 0) continue;
    const value = macroValue(letter, input);
    key += `${letter}${value.length} ${value}`;
  }
  return `${key} ${base}`;
}

/** The key of everything: equal inputs, equal verdicts. */
export function exactKey(base: string, { sender, helo }: VerdictInput): string {
  return `${sender.length} ${sender}${helo.length} ${helo}${base}`;
}

/** A sender without a local part is its own key: finer than need be, never too coarse. */
function macroValue(letter: SenderMacro, { sender, helo }: VerdictInput): OctetString {
  if (letter === "h") return helo;
  const at = sender.lastIndexOf("@");
  if (letter === "s" || at <= 0) return sender;
  return letter === "l" ? sender.slice(0, at) : sender.slice(at + 1);
}

const NO_MAIL_RECORD = "v=spf1 -all";

/** What many verdicts have alike; they share one object. */
interface SharedFields extends Pick<Outcome, "result" | "lookups" | "voids" | "macrosRead"> {
  /** The record is that of a domain without mail. */
  readonly sendsNoMail: boolean;
}

/** Ordinary mail makes some dozens of each; zones that are made for it could make any number. */
const SHARED_MAX = 1000;
/** A longer mechanism is hardly another domain's too. */
const SHARED_TEXT_OCTETS_MAX = 100;
const sharedFields = new LRUCache<string, SharedFields>({ max: SHARED_MAX });
const sharedTexts = new LRUCache<string, OctetString>({ max: SHARED_MAX });

function sharedFieldsOf({ result, lookups, voids, macrosRead, record }: Outcome): SharedFields {
  const mask = macroMask(macrosRead);
  const sendsNoMail = record !== undefined && isNoMailRecord(record);
  const key = `${result} ${lookups} ${voids} ${mask} ${sendsNoMail}`;
  const known = sharedFields.get(key);
  if (known !== undefined) return known;
  const fields = { result, lookups, voids, macrosRead: macroSet(mask), sendsNoMail };
  sharedFields.set(key, fields);
  return fields;
}

/** The text, equal ones as one string. */
function sharedText(text: OctetString): OctetString {
  const known = sharedTexts.get(text);
  if (known !== undefined) return known;
  const own = ownText(text);
  if (text.length <= SHARED_TEXT_OCTETS_MAX) sharedTexts.set(own, own);
  return own;
}

/** What few verdicts have. */
interface ExtraFields
  extends Pick<Outcome, "explanation" | "problem" | "failure" | "recordSource" | "local" | "guess" | "path"> {
  /** Where it is not as it was asked for: A-labels, without a final dot. */
  readonly domain: OctetString | undefined;
}

/**
 * A verdict as it is kept: one small object, for there may be a hundred thousand. What only spfquery tells is left
 * out: the text of a record (but that of `v=spf1 -all`, which options ask for), the way through includes, the trace.
 */
export class KeptVerdict {
  /** An integer: V8 keeps a fraction as an object of its own. */
  readonly expiresMs: number;
  /** Under a base key: a bit for each mask of macros that a verdict on this client and domain has read. */
  readonly masksSeen: number;
  /** How often it was found. */
  hits = 0;
  readonly #mechanism: string | undefined;
  readonly #shared: SharedFields;
  readonly #extra: ExtraFields | undefined;

  /** @param asked the domain as it was asked for, which the key has */
  constructor(outcome: Outcome, asked: OctetString, expiresMs: number, masksSeen: number) {
    const { mechanism } = outcome;
    this.expiresMs = Math.floor(expiresMs);
    this.masksSeen = masksSeen;
    this.#mechanism = mechanism === undefined ? undefined : sharedText(mechanism);
    this.#shared = sharedFieldsOf(outcome);
    this.#extra = extraFieldsOf(outcome, asked);
  }

  /** The same verdict with another expiry, or with other masks seen. */
  with({ expiresMs = this.expiresMs, masksSeen = this.masksSeen }): KeptVerdict {
    return new KeptVerdict(this.outcome(""), "", expiresMs, masksSeen);
  }

  /** The outcome, built for the domain that is asked for. */
  outcome(asked: OctetString): Outcome {
    const extra = this.#extra;
    const domain = extra?.domain ?? asked;
    const mechanism = this.#mechanism;
    const { result, lookups, voids, macrosRead, sendsNoMail } = this.#shared;
    return {
      result,
      domain,
      mechanism,
      path: extra?.path ?? (mechanism === undefined ? [] : [{ domain, term: mechanism }]),
      explanation: extra?.explanation,
      problem: extra?.problem,
      failure: extra?.failure,
      record: sendsNoMail ? NO_MAIL_RECORD : undefined,
      recordSource: extra?.recordSource ?? "published",
      lookups,
      voids,
      macrosRead,
      ttlSeconds: 0,
      local: extra?.local,
      guess: extra?.guess,
      trace: undefined,
    };
  }
}

function extraFieldsOf(outcome: Outcome, asked: OctetString): ExtraFields | undefined {
  const { failure, recordSource, local, guess, domain, mechanism } = outcome;
  // It may be cut out of a TXT record of 64 KB.
  const explanation = outcome.explanation && {
    text: ownText(outcome.explanation.text),
    source: outcome.explanation.source,
  };
  const problem = outcome.problem === undefined ? undefined : ownText(outcome.problem);
  const path = pathToDecision(outcome.path);
  const [first, ...further] = path;
  const isPlain =
    further.length === 0 &&
    (first === undefined ? mechanism === undefined : first.domain === domain && first.term === mechanism);
  const own = domain === asked ? undefined : ownText(domain);
  const something = explanation ?? problem ?? local ?? guess ?? own;
  if (isPlain && something === undefined && recordSource === "published") return undefined;
  return { explanation, problem, failure, recordSource, local, guess, path, domain: own };
}

/** The records up to the one that is used as the domain's own, after redirects. */
function pathToDecision(path: readonly PathStep[]): readonly PathStep[] {
  const decided = path.findIndex(({ term }) => !/^redirect=/i.test(term));
  const kept = decided === -1 ? path : path.slice(0, decided + 1);
  return kept.map(({ domain, term }) => ({ domain: ownText(domain), term: ownText(term) }));
}

/** Under a base key where every verdict so far has read macros: which they were, and no verdict. */
type MasksSeen = Pick<KeptVerdict, "masksSeen">;

/** One entry of {@link VerdictStore}; without an outcome where the key has only {@link MasksSeen}. */
export interface StoredVerdict {
  readonly key: string;
  readonly masksSeen: number;
  readonly outcome: Outcome | undefined;
}

/**
 * Verdicts by what they depend on. An evaluation reads macros one after the other, and what it reads next depends
 * only on what it has read; so a verdict holds for everyone who has the same values in the macros it has read.
 * Which those are is remembered under the client and domain.
 */
export class VerdictStore {
  #entries: LRUCache<string, KeptVerdict | MasksSeen> | undefined;
  /** Entries that had to make room for others. */
  evictions = 0;
  #entriesMax = 0;
  #lifeMsMax = 0;
  /** Under way: see {@link dump}. */
  #dumps = 0;
  /** An evaluation that began before may have read answers from before. */
  #emptiedMs = -Infinity;
  readonly #onPopular: (input: VerdictInput, expiresMs: number) => void;

  /**
   * @param ttlSeconds the longest life; 0, or no entries, keeps nothing.
   * @param onPopular told once of a verdict that is in use, with an input that found it.
   */
  constructor(
    entriesMax: number,
    octetsMax: number,
    ttlSeconds: number,
    onPopular: (input: VerdictInput, expiresMs: number) => void,
  ) {
    this.#onPopular = onPopular;
    this.setLimits(entriesMax, octetsMax, ttlSeconds, 0);
  }

  /** Changes the bounds; what is in memory stays as far as they let it, and what was used last stays first. */
  setLimits(entriesMax: number, octetsMax: number, ttlSeconds: number, nowMs: number): void {
    const before = this.#entries?.dump() ?? [];
    this.#entriesMax = entriesMax;
    this.#lifeMsMax = ttlSeconds * 1000;
    const keeps = entriesMax > 0 && ttlSeconds > 0;
    if (!keeps) this.#emptiedMs = nowMs;
    this.#entries = keeps
      ? new LRUCache({
          // Without `max`, which would make the tables for all entries at once: 2.7 MB for 100,000.
          maxSize: octetsMax,
          maxEntrySize: ENTRY_OCTETS_MAX,
          dispose: (_entry, _key, reason) => {
            if (reason === "evict") this.evictions++;
          },
        })
      : undefined;
    const latestMs = nowMs + this.#lifeMsMax;
    for (const [, entry] of before) {
      const { value } = entry;
      if (value instanceof KeptVerdict && value.expiresMs > latestMs) {
        entry.value = value.with({ expiresMs: latestMs });
      }
    }
    this.#entries?.load(before);
    this.#trim();
  }

  get size(): number {
    return this.#entries?.size ?? 0;
  }

  get(base: string, input: VerdictInput, nowMs: number): Outcome | undefined {
    const verdict = this.#find(base, input, nowMs);
    if (verdict === undefined) return undefined;
    if (++verdict.hits === POPULAR_HITS) this.#onPopular(input, verdict.expiresMs);
    return verdict.outcome(input.domain);
  }

  has(base: string, input: VerdictInput, nowMs: number): boolean {
    return this.#find(base, input, nowMs) !== undefined;
  }

  #find(base: string, input: VerdictInput, nowMs: number): KeptVerdict | undefined {
    const entry = this.#look(base);
    if (entry === undefined) return undefined;
    if (entry instanceof KeptVerdict && entry.expiresMs > nowMs) return entry;
    for (const mask of MACRO_MASKS) {
      if ((entry.masksSeen & (1 << mask)) === 0) continue;
      const widened = this.#look(widenedKey(mask, base, input));
      if (widened instanceof KeptVerdict && widened.expiresMs > nowMs) return widened;
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
    if (this.#entries === undefined || beganMs < this.#emptiedMs) return;
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

  /**
   * What is in memory, with the milliseconds that each still has: what was used last comes first. It may take its time;
   * until it is over what is used keeps its place, so that nothing is left out.
   */
  *dump(nowMs: () => number): Generator<{ readonly restMs: number; readonly stored: StoredVerdict }> {
    const entries = this.#entries;
    // An entry that is replaced while it is looked at is met again, with what has come since.
    let left = entries?.size ?? 0;
    this.#dumps++;
    try {
      for (const [key, entry] of entries?.entries() ?? []) {
        if (left-- === 0) return;
        const isVerdict = entry instanceof KeptVerdict;
        const restMs = isVerdict ? entry.expiresMs - nowMs() : this.#lifeMsMax;
        if (restMs <= 0) continue;
        const { masksSeen } = entry;
        yield { restMs, stored: { key, masksSeen, outcome: isVerdict ? entry.outcome("") : undefined } };
      }
    } finally {
      this.#dumps--;
    }
  }

  /** Takes in what {@link dump} gave. What is in memory already is newer and stays. */
  restore({ key, masksSeen, outcome }: StoredVerdict, restMs: number, nowMs: number): void {
    if (this.#entries?.has(key) === true) return;
    const expiresMs = nowMs + Math.min(restMs, this.#lifeMsMax);
    this.#put(
      key,
      outcome === undefined ? { masksSeen } : new KeptVerdict(outcome, "", expiresMs, masksSeen),
    );
  }

  #look(key: string): KeptVerdict | MasksSeen | undefined {
    return this.#dumps > 0 ? this.#entries?.peek(key) : this.#entries?.get(key);
  }

  #put(key: string, entry: KeptVerdict | MasksSeen): void {
    const outcome = entry instanceof KeptVerdict ? entry.outcome("") : undefined;
    this.#entries?.set(ownText(key), entry, { size: estimateOctets(key, outcome) });
    this.#trim();
  }

  /** What was used longest ago makes room. */
  #trim(): void {
    while (this.size > this.#entriesMax) this.#entries?.pop();
  }
}

/** A verdict that was found this often is in use. */
const POPULAR_HITS = 3;
/** An entry of the cache, its place in the table, the objects around its texts. */
const ENTRY_OCTETS = 320;
const TEXT_OCTETS = 24;
const PATH_STEP_OCTETS = 80;
/** A larger one is used but not kept: a few hundred would flush the cache. */
export const ENTRY_OCTETS_MAX = 16 * 1024;

/**
 * How many octets of memory a verdict takes under its key, roughly and rather too many than too few: a bound on the
 * number of entries alone would let a hostile zone fill the memory.
 */
function estimateOctets(key: string, outcome: Outcome | undefined): number {
  let octets = ENTRY_OCTETS + key.length;
  if (outcome === undefined) return octets;
  const { domain, mechanism, explanation, problem, record } = outcome;
  for (const text of [domain, mechanism, explanation?.text, problem, record]) {
    if (text !== undefined) octets += TEXT_OCTETS + text.length;
  }
  for (const { domain: place, term } of outcome.path) octets += PATH_STEP_OCTETS + place.length + term.length;
  return octets;
}
