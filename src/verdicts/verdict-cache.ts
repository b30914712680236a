import type { Outcome } from "spf-check";
import type { Evaluation, EvaluationRequest, Evaluator, Pending } from "../filter/index.ts";
import { FairGate, type Runnable } from "./fair-gate.ts";
import { ownText } from "./own-text.ts";
import { sharesOf } from "./shares.ts";
import { temperror } from "./temperror.ts";
import { baseKey, exactKey, macroMask, type VerdictInput } from "./verdict-key.ts";
import { VerdictStore } from "./verdict-store.ts";

/**
 * Evaluates without looking into any cache of verdicts, and without a deadline: the returned function ends it once
 * nobody waits any more. `done` is called once, possibly before `check` returns.
 */
export type Check = (input: VerdictInput, done: (outcome: Outcome) => void) => () => void;

/** Options of {@link createVerdictCache}. */
export interface VerdictCacheOptions {
  readonly check: Check;
  /** TTL: the longest life of a verdict; 0 keeps none. */
  readonly ttlSeconds: number;
  /** CacheSize. */
  readonly entriesMax: number;
  /** A bound on memory besides; 64 MiB. */
  readonly octetsMax?: number;
  /** Evaluations at once; 1024. One client network, and one domain with all below it, get an eighth of them. */
  readonly runningMax?: number;
  /** Evaluations that wait for one of those to end; one more is temperror at once. 8192. */
  readonly waitingMax?: number;
  /** The clock of the deadlines, in milliseconds; `performance.now`. */
  readonly nowMs?: () => number;
  /** Told what a caller's `done` threw while others waited for the same verdict. */
  readonly onError: (error: unknown) => void;
}

/** Counted since the start, and what is in memory now. */
export interface VerdictCacheCounters {
  readonly hits: number;
  readonly misses: number;
  /** Of the misses: found an evaluation on its way that answered them too. */
  readonly joined: number;
  readonly evaluations: number;
  /** Waits that reached their deadline. */
  readonly timeouts: number;
  /** Turned away because too many were waiting. */
  readonly refused: number;
  readonly running: number;
  readonly waiting: number;
  readonly entries: number;
}

/** An evaluator that remembers. Past the deadline of a request its result is temperror. */
export interface VerdictCache extends Evaluator {
  counters(): VerdictCacheCounters;
  /** Changes the bounds; verdicts in memory stay as far as they let them. */
  setLimits(limits: VerdictCacheLimits): void;
}

/** What {@link VerdictCache.setLimits} changes. */
export type VerdictCacheLimits = Pick<VerdictCacheOptions, "ttlSeconds" | "entriesMax" | "octetsMax">;

/** See {@link VerdictCache}. */
export function createVerdictCache(options: VerdictCacheOptions): VerdictCache {
  return new JoiningVerdictCache(options);
}

/** Someone who waits. */
interface Waiter {
  readonly request: EvaluationRequest;
  readonly base: string;
  readonly done: (evaluation: Evaluation) => void;
  readonly startMs: number;
  /** Found before {@link VerdictCache.evaluate} has returned, which then returns it. */
  known: Evaluation | undefined;
  /** {@link VerdictCache.evaluate} has returned. */
  waits: boolean;
  timer: NodeJS.Timeout | undefined;
  flight: Flight | undefined;
}

/** One evaluation on its way. */
interface Flight extends Runnable {
  readonly key: string;
  readonly base: string;
  readonly input: VerdictInput;
  /** Those with exactly its input. */
  readonly waiters: Set<Waiter>;
  /** Those with another sender or HELO: served too where it turns out to have read neither. */
  readonly followers: Set<Waiter>;
  /** When it got its turn. */
  beganMs: number;
  stop: (() => void) | undefined;
  landed: boolean;
}

const OCTETS_MAX = 64 * 1024 * 1024;

class JoiningVerdictCache implements VerdictCache {
  readonly #options: VerdictCacheOptions;
  readonly #nowMs: () => number;
  readonly #store: VerdictStore;
  readonly #gate: FairGate;
  /** By all that was given. */
  readonly #flights = new Map<string, Flight>();
  /** By base key: the flight that others follow, until it is known whether the sender matters. */
  readonly #leaders = new Map<string, Flight>();
  readonly #counts = { hits: 0, misses: 0, joined: 0, evaluations: 0, timeouts: 0, refused: 0 };

  constructor(options: VerdictCacheOptions) {
    const { entriesMax, octetsMax = OCTETS_MAX, ttlSeconds, runningMax = 1024, waitingMax = 8192 } = options;
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#store = new VerdictStore(entriesMax, octetsMax, ttlSeconds);
    this.#gate = new FairGate({ runningMax, runningPerKeyMax: Math.ceil(runningMax / 8), waitingMax });
  }

  counters(): VerdictCacheCounters {
    return {
      ...this.#counts,
      running: this.#gate.running,
      waiting: this.#gate.waiting,
      entries: this.#store.size,
    };
  }

  setLimits({ ttlSeconds, entriesMax, octetsMax = OCTETS_MAX }: VerdictCacheLimits): void {
    this.#store.setLimits(entriesMax, octetsMax, ttlSeconds, this.#nowMs());
  }

  evaluate(request: EvaluationRequest, done: (evaluation: Evaluation) => void): Evaluation | Pending {
    const base = baseKey(request);
    const startMs = this.#nowMs();
    const known = this.#store.get(base, request, startMs);
    if (known !== undefined) {
      this.#counts.hits++;
      return known;
    }
    this.#counts.misses++;
    const restMs = request.deadlineMs - startMs;
    const waiter: Waiter = {
      request,
      base,
      done,
      startMs,
      known: undefined,
      waits: false,
      timer: undefined,
      flight: undefined,
    };
    if (restMs <= 0) this.#expire(waiter);
    else this.#board(waiter, true);
    if (waiter.known !== undefined) return waiter.known;
    waiter.waits = true;
    if (restMs < Infinity) {
      waiter.timer = setTimeout(() => {
        this.#expire(waiter);
      }, restMs).unref();
    }
    return {
      cancel: () => {
        this.#leave(waiter);
      },
    };
  }

  /** Finds the waiter a flight. It has none afterwards where it was served at once. */
  #board(waiter: Waiter, mayFollow: boolean): void {
    const { base, request } = waiter;
    const key = exactKey(base, request);
    const equal = this.#flights.get(key);
    if (equal !== undefined) {
      this.#counts.joined++;
      waiter.flight = equal;
      equal.waiters.add(waiter);
      return;
    }
    const leader = mayFollow ? this.#leaders.get(base) : undefined;
    if (leader !== undefined && !this.#store.isWidened(base)) {
      waiter.flight = leader;
      leader.followers.add(waiter);
      return;
    }
    const flight = this.#newFlight(key, waiter);
    this.#flights.set(key, flight);
    if (!this.#leaders.has(base)) this.#leaders.set(base, flight);
    if (this.#gate.enter(flight)) return;
    this.#counts.refused++;
    this.#land(flight, temperror(flight.input.domain, "too many SPF evaluations at once", "overload"));
  }

  #newFlight(key: string, waiter: Waiter): Flight {
    const { base, request } = waiter;
    const flight: Flight = {
      key,
      base,
      input: withOwnTexts(request),
      waiters: new Set([waiter]),
      followers: new Set(),
      keys: sharesOf(request),
      start: () => {
        this.#start(flight);
      },
      beganMs: 0,
      stop: undefined,
      landed: false,
    };
    waiter.flight = flight;
    return flight;
  }

  #start(flight: Flight): void {
    // Another evaluation may have left a verdict while this one was waiting for its turn.
    const known = this.#store.get(flight.base, flight.input, this.#nowMs());
    if (known !== undefined) {
      this.#land(flight, known.outcome, true);
      return;
    }
    this.#counts.evaluations++;
    flight.beganMs = this.#nowMs();
    flight.stop = this.#options.check(flight.input, (outcome) => {
      this.#land(flight, outcome);
    });
  }

  #land(flight: Flight, outcome: Outcome, cached = false): void {
    if (flight.landed) return;
    this.#takeOff(flight);
    if (!cached) this.#store.set(flight.base, flight.input, outcome, flight.beganMs, this.#nowMs());
    for (const waiter of flight.waiters) this.#serve(waiter, outcome, cached);
    const same = macroMask(outcome.macrosRead) === 0;
    for (const waiter of flight.followers) {
      if (same) {
        this.#counts.joined++;
        this.#serve(waiter, outcome, cached);
      } else {
        this.#boardAgain(waiter);
      }
    }
    this.#gate.leave(flight);
  }

  /** The leader's verdict depends on its sender: the follower needs one of its own, and now follows nobody. */
  #boardAgain(waiter: Waiter): void {
    waiter.flight = undefined;
    const known = this.#store.get(waiter.base, waiter.request, this.#nowMs());
    if (known !== undefined) this.#serve(waiter, known.outcome, true);
    else this.#board(waiter, false);
  }

  /** Nobody finds the flight any more. */
  #takeOff(flight: Flight): void {
    flight.landed = true;
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key);
    if (this.#leaders.get(flight.base) === flight) this.#leaders.delete(flight.base);
  }

  /** A caller that throws must not keep the verdict from those who wait beside it. */
  #serve(waiter: Waiter, outcome: Outcome, cached: boolean): void {
    clearTimeout(waiter.timer);
    waiter.flight = undefined;
    const evaluation = { outcome, cached, elapsedMs: this.#nowMs() - waiter.startMs };
    if (!waiter.waits) {
      waiter.known = evaluation;
      return;
    }
    try {
      waiter.done(evaluation);
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #expire(waiter: Waiter): void {
    this.#leave(waiter);
    this.#counts.timeouts++;
    this.#serve(
      waiter,
      temperror(waiter.request.domain, "out of time for the SPF evaluation", "deadline"),
      false,
    );
  }

  /** The last to leave ends the evaluation. */
  #leave(waiter: Waiter): void {
    clearTimeout(waiter.timer);
    const { flight } = waiter;
    waiter.flight = undefined;
    if (flight === undefined) return;
    flight.waiters.delete(waiter);
    flight.followers.delete(waiter);
    if (flight.landed || flight.waiters.size + flight.followers.size > 0) return;
    this.#takeOff(flight);
    flight.stop?.();
    this.#gate.leave(flight);
  }
}

/** Copies of the texts: a verdict that is kept must not hold on to the packets that they were cut from. */
function withOwnTexts({ ip, domain, sender, helo, receiver }: VerdictInput): VerdictInput {
  return { ip, domain: ownText(domain), sender: ownText(sender), helo: ownText(helo), receiver };
}
