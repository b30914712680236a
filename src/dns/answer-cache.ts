import { LRUCache } from "lru-cache";
import type { Answer, AnswerSource, Pending, Question, RecordData, RecordType } from "spf-check";
import { ownText } from "../address/index.ts";
import type { Remembered } from "./foresee.ts";
import {
  type KeepableAnswer,
  type PlainAnswer,
  plainAnswer,
  readPlainAnswer,
  recordOctets,
} from "./kept-answers.ts";
import { questionKey } from "./messages.ts";

/** Options of {@link AnswerCache}. */
export interface AnswerCacheOptions {
  /** Where answers that are not in memory come from. */
  readonly source: AnswerSource;
  /** CacheSize; 0 keeps nothing, and still joins equal questions. */
  readonly entriesMax: number;
  /** A bound on memory besides; 64 MiB. */
  readonly octetsMax?: number;
  /** The clock of the TTLs, in milliseconds; `performance.now`. */
  readonly nowMs?: () => number;
  /** Told of an answer that is in use, when it ends, and how to ask for it again afterwards. */
  readonly onPopular?: (expiresMs: number, renew: () => void) => void;
}

/** Counted since the start, and what is in memory now. */
export interface AnswerCacheCounters {
  readonly hits: number;
  readonly misses: number;
  /** Questions that found an equal one on its way. */
  readonly joined: number;
  /** Entries that had to make room for others. */
  readonly evictions: number;
  /** Asked again because they had been in use when they ended. */
  readonly renewals: number;
  readonly entries: number;
}

type AnyRecord = RecordData[RecordType];

/** An answer without its TTL. */
interface Entry {
  readonly status: "found" | "nodata" | "nxdomain";
  /** One record without a list, as nearly all answers have: 5 % less memory (`oneRecord` of tuning.ts, Node 20). */
  readonly records: AnyRecord | readonly AnyRecord[];
  readonly expiresMs: number;
  hits: number;
}

/** Someone who asked. */
interface Waiter {
  readonly done: (answer: Answer) => void;
}

/** A question on its way and everyone who waits for it. */
interface Flight {
  readonly waiters: Set<Waiter>;
  /** How often the cache had been emptied when it began. */
  readonly emptied: number;
  pending: Pending | undefined;
}

const OCTETS_MAX = 64 * 1024 * 1024;
const NO_RECORDS: readonly never[] = [];
/** An answer that was found in memory this often is in use. */
const POPULAR_HITS = 3;
/** RFC 2181 section 8. */
const TTL_SECONDS_MAX = 0x7fffffff;

/**
 * Answers in memory for as long as their TTLs allow, and one question at a time for each name and type. Faults are
 * never kept; negative answers are, as long as RFC 2308 allows.
 */
export class AnswerCache implements AnswerSource {
  readonly #source: AnswerSource;
  readonly #nowMs: () => number;
  readonly #onPopular: AnswerCacheOptions["onPopular"];
  #entries: LRUCache<string, Entry> | undefined;
  #entriesMax = 0;
  readonly #flights = new Map<string, Flight>();
  #hits = 0;
  #misses = 0;
  #joined = 0;
  #evictions = 0;
  #renewals = 0;
  /** Under way: see {@link dump}. */
  #dumps = 0;
  #emptied = 0;

  constructor(options: AnswerCacheOptions) {
    const { source, entriesMax, octetsMax, nowMs = () => performance.now(), onPopular } = options;
    this.#source = source;
    this.#nowMs = nowMs;
    this.#onPopular = onPopular;
    this.setLimits({ entriesMax, ...(octetsMax === undefined ? {} : { octetsMax }) });
  }

  /** Changes the bounds; what was used last stays. */
  setLimits({
    entriesMax,
    octetsMax = OCTETS_MAX,
  }: Pick<AnswerCacheOptions, "entriesMax" | "octetsMax">): void {
    const before = this.#entries?.dump() ?? [];
    this.#entriesMax = entriesMax;
    if (entriesMax === 0) this.#emptied++;
    this.#entries =
      entriesMax > 0
        ? new LRUCache({
            // Without `max`, which would make the tables for all entries at once: 2.7 MB for 100,000.
            maxSize: octetsMax,
            maxEntrySize: ENTRY_OCTETS_MAX,
            dispose: (_entry, _key, reason) => {
              if (reason === "evict") this.#evictions++;
            },
          })
        : undefined;
    this.#entries?.load(before);
    this.#trim();
  }

  /** What was used longest ago makes room. */
  #trim(): void {
    while (this.#entries !== undefined && this.#entries.size > this.#entriesMax) this.#entries.pop();
  }

  counters(): AnswerCacheCounters {
    return {
      hits: this.#hits,
      misses: this.#misses,
      joined: this.#joined,
      evictions: this.#evictions,
      renewals: this.#renewals,
      entries: this.#entries?.size ?? 0,
    };
  }

  ask(question: Question, done: (answer: Answer) => void): Answer | Pending {
    const key = questionKey(question);
    const entry = this.#dumps > 0 ? this.#entries?.peek(key) : this.#entries?.get(key);
    const known = this.#answerOf(entry);
    if (entry !== undefined && known !== undefined) {
      if (++entry.hits === POPULAR_HITS) this.#tellPopular(question, entry);
      this.#hits++;
      return known;
    }
    const waiter: Waiter = { done };
    const flight = this.#flights.get(key);
    if (flight !== undefined) {
      this.#joined++;
      flight.waiters.add(waiter);
      return this.#pending(key, flight, waiter);
    }
    this.#misses++;
    const started: Flight = { waiters: new Set([waiter]), emptied: this.#emptied, pending: undefined };
    return this.#start(key, question, started) ?? this.#pending(key, started, waiter);
  }

  /** The last answer to a question, however old, as long as its place is not needed; it counts as no use. */
  recall(question: Question): Remembered | undefined {
    const entry = this.#entries?.peek(questionKey(question));
    if (entry === undefined) return undefined;
    const answer = this.#answerOf(entry);
    if (answer !== undefined) return { answer, isOver: false };
    return { answer: answerFrom(entry, 0), isOver: true };
  }

  /** The answer where it comes at once. */
  #start(key: string, question: Question, flight: Flight): Answer | undefined {
    const asked = this.#source.ask(question, (answer) => {
      this.#complete(key, flight, answer);
    });
    if (!("cancel" in asked)) {
      this.#keep(key, asked);
      return asked;
    }
    flight.pending = asked;
    this.#flights.set(key, flight);
    return undefined;
  }

  #tellPopular({ type, name }: Question, { expiresMs }: Entry): void {
    const question = { type, name: ownText(name) };
    this.#onPopular?.(expiresMs, () => {
      this.#renew(question);
    });
  }

  /** Nobody waits for it yet; who comes while it is on its way joins. */
  #renew(question: Question): void {
    const key = questionKey(question);
    if (this.#flights.has(key) || this.#answerOf(this.#entries?.peek(key)) !== undefined) return;
    this.#renewals++;
    this.#start(key, question, { waiters: new Set(), emptied: this.#emptied, pending: undefined });
  }

  /**
   * What is in memory, with the milliseconds that each still has: what was used last comes first. It may take its time;
   * until it is over what is used keeps its place, so that nothing is left out.
   */
  *dump(): Generator<{ readonly restMs: number; readonly plain: PlainAnswer }> {
    const entries = this.#entries;
    // An entry that is replaced while it is looked at is met again, with what has come since.
    let left = entries?.size ?? 0;
    this.#dumps++;
    try {
      for (const [key, entry] of entries?.entries() ?? []) {
        if (left-- === 0) return;
        const answer = this.#answerOf(entry);
        if (answer !== undefined)
          yield { restMs: entry.expiresMs - this.#nowMs(), plain: plainAnswer(key, answer) };
      }
    } finally {
      this.#dumps--;
    }
  }

  /** Takes in what {@link dump} gave; false where it is not an answer. What is in memory already is newer and stays. */
  restore(plain: unknown, restMs: number): boolean {
    const read = readPlainAnswer(plain);
    if (read === undefined || !(restMs > 0) || restMs > TTL_SECONDS_MAX * 1000) return false;
    const key = questionKey(read.question);
    if (this.#entries?.has(key) !== true) this.#keep(key, { ...read.answer, ttlSeconds: restMs / 1000 });
    return true;
  }

  /** The answer with what is left of its TTL, in whole seconds, so that nothing made of it outlives it. */
  #answerOf(entry: Entry | undefined): KeepableAnswer | undefined {
    if (entry === undefined) return undefined;
    const restMs = entry.expiresMs - this.#nowMs();
    return restMs > 0 ? answerFrom(entry, Math.floor(restMs / 1000)) : undefined;
  }

  #complete(key: string, flight: Flight, answer: Answer): void {
    this.#flights.delete(key);
    // What was asked before the cache was emptied is used, and not kept.
    if (flight.emptied === this.#emptied) this.#keep(key, answer);
    // One who is served may make another leave; a Set then leaves that one out.
    for (const waiter of flight.waiters) waiter.done(answer);
  }

  #keep(key: string, answer: Answer): void {
    // What has no end of life was never asked: a name that DNS cannot carry.
    if (answer.status === "fault" || !(answer.ttlSeconds > 0) || answer.ttlSeconds === Infinity) return;
    const records = answer.status === "found" ? answer.records : NO_RECORDS;
    const [only, ...further] = records;
    // Whole milliseconds take no object of their own.
    const expiresMs = Math.floor(Math.floor(this.#nowMs()) + answer.ttlSeconds * 1000);
    this.#entries?.set(
      ownText(key),
      {
        status: answer.status,
        records: only === undefined || further.length > 0 ? records : only,
        expiresMs,
        hits: 0,
      },
      { size: estimateOctets(key, records) },
    );
    this.#trim();
  }

  /** The last to leave takes the question along. */
  #pending(key: string, flight: Flight, waiter: Waiter): Pending {
    return {
      cancel: () => {
        flight.waiters.delete(waiter);
        if (flight.waiters.size > 0 || this.#flights.get(key) !== flight) return;
        this.#flights.delete(key);
        flight.pending?.cancel();
      },
    };
  }
}

function answerFrom({ status, records }: Entry, ttlSeconds: number): KeepableAnswer {
  if (status !== "found") return { status, ttlSeconds };
  return { status, records: isList(records) ? records : [records], ttlSeconds };
}

function isList(records: AnyRecord | readonly AnyRecord[]): records is readonly AnyRecord[] {
  return Array.isArray(records);
}

/** An entry and its place in the table. */
const ENTRY_OCTETS = 320;
/** A larger one is used but not kept: a hundred would flush the cache. */
const ENTRY_OCTETS_MAX = 16 * 1024;

/** A bound on the number of entries alone would let a hostile zone fill the memory with records of 64 KB. */
function estimateOctets(key: string, records: readonly AnyRecord[]): number {
  return ENTRY_OCTETS + key.length + recordOctets(records);
}
