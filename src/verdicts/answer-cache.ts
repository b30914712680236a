import { LRUCache } from "lru-cache";
import type { Answer, AnswerSource, Question, RecordData, RecordType } from "spf-check";
import { ownText } from "./own-text.ts";
import { weighAnswer } from "./weigh.ts";

/** Options of {@link createAnswerCache}. */
export interface AnswerCacheOptions {
  /** Where answers that are not in memory come from. It is asked without a deadline and is cancelled instead. */
  readonly source: AnswerSource;
  /** CacheSize; 0 keeps nothing, and still joins equal questions. */
  readonly entriesMax: number;
  /** A bound on memory besides; 64 MiB. */
  readonly octetsMax?: number;
  /** The clock of the deadlines, in milliseconds; `performance.now`. */
  readonly nowMs?: () => number;
}

/** Counted since the start, and what is in memory now. */
export interface AnswerCacheCounters {
  readonly hits: number;
  readonly misses: number;
  /** Questions that found an equal one on its way. */
  readonly joined: number;
  readonly entries: number;
}

/** Answers in memory for as long as their TTLs allow, and one question at a time for each name and type. */
export interface AnswerCache extends AnswerSource {
  counters(): AnswerCacheCounters;
  /** Changes the bounds; what was used last stays. */
  setLimits(limits: Pick<AnswerCacheOptions, "entriesMax" | "octetsMax">): void;
}

/** Faults are never kept; negative answers are, as long as RFC 2308 allows. */
export function createAnswerCache(options: AnswerCacheOptions): AnswerCache {
  return new JoiningCache(options);
}

type AnyRecord = RecordData[RecordType];

/** An answer without its TTL. */
interface Entry {
  readonly status: "found" | "nodata" | "nxdomain";
  /** One record stands for itself: nearly all answers have one, and a list costs as much as the rest. */
  readonly records: AnyRecord | readonly AnyRecord[];
  readonly expiresMs: number;
}

/** Someone who asked, with a deadline of their own. */
interface Waiter {
  readonly done: (answer: Answer) => void;
  timer: NodeJS.Timeout | undefined;
}

/** A question on its way and everyone who waits for it. */
interface Flight {
  readonly waiters: Set<Waiter>;
  cancel: (() => void) | undefined;
  landed: boolean;
}

const OCTETS_MAX = 64 * 1024 * 1024;
const OUT_OF_TIME: Answer = { status: "fault", problem: "out of time for DNS lookups" };
const NO_RECORDS: readonly never[] = [];
const nothing = (): void => undefined;

class JoiningCache implements AnswerCache {
  readonly #source: AnswerSource;
  readonly #nowMs: () => number;
  #entries: LRUCache<string, Entry> | undefined;
  readonly #flights = new Map<string, Flight>();
  #hits = 0;
  #misses = 0;
  #joined = 0;

  constructor({ source, entriesMax, octetsMax, nowMs = () => performance.now() }: AnswerCacheOptions) {
    this.#source = source;
    this.#nowMs = nowMs;
    this.setLimits({ entriesMax, ...(octetsMax === undefined ? {} : { octetsMax }) });
  }

  setLimits({
    entriesMax,
    octetsMax = OCTETS_MAX,
  }: Pick<AnswerCacheOptions, "entriesMax" | "octetsMax">): void {
    const before = this.#entries?.dump() ?? [];
    this.#entries = entriesMax > 0 ? new LRUCache({ max: entriesMax, maxSize: octetsMax }) : undefined;
    this.#entries?.load(before);
  }

  counters(): AnswerCacheCounters {
    return {
      hits: this.#hits,
      misses: this.#misses,
      joined: this.#joined,
      entries: this.#entries?.size ?? 0,
    };
  }

  ask(question: Question, deadlineMs: number, done: (answer: Answer) => void): () => void {
    // DNS compares names without regard to case (RFC 4343); only ASCII names are ever sent.
    const key = `${question.type} ${question.name.toLowerCase()}`;
    const now = this.#nowMs();
    const known = this.#inMemory(key, now);
    if (known !== undefined) {
      this.#hits++;
      done(known);
      return nothing;
    }
    if (deadlineMs <= now) {
      done(OUT_OF_TIME);
      return nothing;
    }
    const waiter: Waiter = { done, timer: undefined };
    const flight = this.#board(key, question, waiter);
    if (flight.landed) return nothing;
    if (deadlineMs < Infinity) {
      waiter.timer = setTimeout(() => {
        this.#leave(key, flight, waiter);
        done(OUT_OF_TIME);
      }, deadlineMs - now).unref();
    }
    return () => {
      this.#leave(key, flight, waiter);
    };
  }

  /** The answer with what is left of its TTL, in whole seconds, so that nothing made of it outlives it. */
  #inMemory(key: string, now: number): Answer | undefined {
    const entry = this.#entries?.get(key);
    if (entry === undefined || entry.expiresMs <= now) return undefined;
    const { status, records, expiresMs } = entry;
    const ttlSeconds = Math.floor((expiresMs - now) / 1000);
    if (status !== "found") return { status, ttlSeconds };
    return { status, records: isList(records) ? records : [records], ttlSeconds };
  }

  #board(key: string, question: Question, waiter: Waiter): Flight {
    const known = this.#flights.get(key);
    if (known !== undefined) {
      this.#joined++;
      known.waiters.add(waiter);
      return known;
    }
    this.#misses++;
    const flight: Flight = { waiters: new Set([waiter]), cancel: undefined, landed: false };
    this.#flights.set(key, flight);
    flight.cancel = this.#source.ask(question, Infinity, (answer) => {
      this.#land(key, flight, answer);
    });
    return flight;
  }

  #land(key: string, flight: Flight, answer: Answer): void {
    flight.landed = true;
    if (this.#flights.get(key) === flight) {
      this.#flights.delete(key);
      this.#keep(key, answer);
    }
    // One who is served may make another leave; a Set then leaves that one out.
    for (const waiter of flight.waiters) {
      clearTimeout(waiter.timer);
      waiter.done(answer);
    }
  }

  #keep(key: string, answer: Answer): void {
    // What has no end of life was never asked: a name that DNS cannot carry.
    if (answer.status === "fault" || !(answer.ttlSeconds > 0) || answer.ttlSeconds === Infinity) return;
    const records = answer.status === "found" ? answer.records : NO_RECORDS;
    const [only, ...further] = records;
    // Whole milliseconds take no object of their own.
    const expiresMs = Math.floor(this.#nowMs()) + answer.ttlSeconds * 1000;
    this.#entries?.set(
      ownText(key),
      {
        status: answer.status,
        records: only === undefined || further.length > 0 ? records : only,
        expiresMs,
      },
      { size: weighAnswer(key, records) },
    );
  }

  /** The last to leave takes the question along. */
  #leave(key: string, flight: Flight, waiter: Waiter): void {
    clearTimeout(waiter.timer);
    flight.waiters.delete(waiter);
    if (flight.landed || flight.waiters.size > 0) return;
    flight.landed = true;
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
    flight.cancel?.();
  }
}

function isList(records: AnyRecord | readonly AnyRecord[]): records is readonly AnyRecord[] {
  return Array.isArray(records);
}
