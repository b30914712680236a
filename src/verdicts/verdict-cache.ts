import { type Outcome, type Pending, type PendingResult, temperror } from "spf-check";
import { ownText } from "../address/index.ts";
import type { Evaluation, EvaluationRequest, Evaluator } from "../filter/index.ts";
import { FairGate, type Runnable, sharesOf } from "./fair-gate.ts";
import { type PlainVerdict, plainVerdict, readPlainVerdict } from "./plain-verdict.ts";
import { baseKey, exactKey, macroMask, type VerdictInput, VerdictStore } from "./verdict-store.ts";

/**
 * Evaluates without looking into any cache of verdicts, and without a deadline: it is cancelled once nobody waits
 * any more. Where all answers are known at once the outcome is returned; else `done` is called with it later. What it knows
 * by then is the verdict where there is no time for more.
 */
export type Check = (input: VerdictInput, done: (outcome: Outcome) => void) => Outcome | PendingResult;

/** Options of {@link VerdictCache}. */
export interface VerdictCacheOptions {
  readonly check: Check;
  /** TTL: the longest life of a verdict; 0 keeps none. */
  readonly ttlSeconds: number;
  /** CacheSize. */
  readonly entriesMax: number;
  /** A bound on memory besides; 64 MiB. */
  readonly octetsMax?: number;
  /** Evaluations at once; 1024. What one client and one domain get of them: {@link sharesOf}. */
  readonly runningMax?: number;
  /** Evaluations that wait until one of those ends; one more is turned away at once. 8192. */
  readonly waitingMax?: number;
  /** The clock of the deadlines, in milliseconds; `performance.now`. */
  readonly nowMs?: () => number;
  /** Whether an outcome was made of answers that another host has found; never asked of one that was in memory. */
  readonly isShared?: ((outcome: Outcome) => boolean) | undefined;
  /** Told of a verdict that is in use, when it ends, and how to have it evaluated again afterwards. */
  readonly onPopular?: (expiresMs: number, renew: () => void) => void;
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
  /** Turned away because too many were waiting, or got no turn in time. */
  readonly refused: number;
  readonly running: number;
  readonly waiting: number;
  readonly entries: number;
  /** Entries that had to make room for others. */
  readonly evictions: number;
  /** Evaluated again because they had been in use when they ended. */
  readonly renewals: number;
}

/** What {@link VerdictCache.setLimits} changes. */
export type VerdictCacheLimits = Pick<VerdictCacheOptions, "ttlSeconds" | "entriesMax" | "octetsMax">;

/** Someone who waits. */
interface Waiter {
  readonly request: EvaluationRequest;
  readonly base: string;
  readonly done: (evaluation: Evaluation) => void;
  readonly startMs: number;
  timer: NodeJS.Timeout | undefined;
  /** Undefined once it is served. */
  flight: Flight | undefined;
}

/** One evaluation on its way, or waiting for its turn. */
interface Flight extends Runnable {
  readonly key: string;
  readonly base: string;
  readonly input: VerdictInput;
  /** Those with exactly its input. */
  readonly waiters: Set<Waiter>;
  /** Those with another sender or HELO: served too where it turns out to have read neither. */
  readonly followers: Set<Waiter>;
  /** It had to wait for its turn. */
  waited: boolean;
  /** When it got its turn. */
  beganMs: number;
  pending: PendingResult | undefined;
}

const OCTETS_MAX = 64 * 1024 * 1024;
/** Renewals at once. */
const RENEWING_MAX = 16;
/** A renewal that takes longer, in milliseconds, is given up: the next to ask waits with a deadline of its own. */
const RENEWAL_MS = 5000;
const TOO_MANY = "too many SPF evaluations at once";

/** The way to a verdict: memory, an equal evaluation under way, or a new one. */
export class VerdictCache implements Evaluator {
  readonly #options: VerdictCacheOptions;
  readonly #nowMs: () => number;
  readonly #store: VerdictStore;
  readonly #gate: FairGate;
  /** By all that was given. */
  readonly #flights = new Map<string, Flight>();
  /** By base key: the flight that others follow, until it is known whether the sender matters. */
  readonly #leaders = new Map<string, Flight>();
  readonly #counts = { hits: 0, misses: 0, joined: 0, evaluations: 0, timeouts: 0, refused: 0, renewals: 0 };
  #renewing = 0;

  constructor(options: VerdictCacheOptions) {
    const { entriesMax, octetsMax = OCTETS_MAX, ttlSeconds, runningMax = 1024, waitingMax = 8192 } = options;
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#store = new VerdictStore(entriesMax, octetsMax, ttlSeconds, (input, expiresMs) => {
      this.#tellPopular(input, expiresMs);
    });
    this.#gate = new FairGate({ runningMax, waitingMax });
  }

  counters(): VerdictCacheCounters {
    return {
      ...this.#counts,
      running: this.#gate.running,
      waiting: this.#gate.waiting,
      entries: this.#store.size,
      evictions: this.#store.evictions,
    };
  }

  /** Changes the bounds; verdicts in memory stay as far as they let them. */
  setLimits({ ttlSeconds, entriesMax, octetsMax = OCTETS_MAX }: VerdictCacheLimits): void {
    this.#store.setLimits(entriesMax, octetsMax, ttlSeconds, this.#nowMs());
  }

  /** For the cache file: what is in memory, what was used last first, with the milliseconds each still has. */
  *dump(): Generator<{ readonly restMs: number; readonly plain: PlainVerdict }> {
    for (const { restMs, stored } of this.#store.dump(this.#nowMs)) {
      yield { restMs, plain: plainVerdict(stored) };
    }
  }

  /** Takes in what {@link dump} gave; false where it is not a verdict. What is in memory already is newer and stays. */
  restore(plain: unknown, restMs: number): boolean {
    const stored = readPlainVerdict(plain);
    if (stored === undefined || !(restMs > 0)) return false;
    this.#store.restore(stored, restMs, this.#nowMs());
    return true;
  }

  /**
   * Past the deadline of the request the result is temperror, unless the published one is known by then; its failure
   * is "overload" where no turn came in time.
   */
  evaluate(request: EvaluationRequest, done: (evaluation: Evaluation) => void): Evaluation | Pending {
    const base = baseKey(request);
    const startMs = this.#nowMs();
    const known = this.#store.get(base, request, startMs);
    if (known !== undefined) {
      this.#counts.hits++;
      return { outcome: known, cached: true, elapsedMs: 0 };
    }
    this.#counts.misses++;
    const restMs = request.deadlineMs - startMs;
    const waiter: Waiter = { request, base, done, startMs, timer: undefined, flight: undefined };
    if (restMs <= 0) return this.#outOfTime(waiter, false);
    const outcome = this.#join(waiter, true);
    if (outcome !== undefined) return this.#evaluation(waiter, outcome, false);
    if (restMs < Infinity) {
      waiter.timer = setTimeout(() => {
        const known = knownFor(waiter);
        const waited = waiter.flight?.waited ?? false;
        this.#leave(waiter);
        this.#serve(waiter, this.#outOfTime(waiter, waited, known));
      }, restMs).unref();
    }
    return {
      cancel: () => {
        this.#leave(waiter);
      },
    };
  }

  #tellPopular(input: VerdictInput, expiresMs: number): void {
    const { onPopular } = this.#options;
    if (onPopular === undefined) return;
    const own = withOwnTexts(input);
    onPopular(expiresMs, () => {
      this.#renew(own);
    });
  }

  /** An evaluation that nobody waits for yet, where there is room for one. Who comes while it is under way joins. */
  #renew(input: VerdictInput): void {
    const base = baseKey(input);
    const startMs = this.#nowMs();
    if (this.#renewing >= RENEWING_MAX || this.#gate.waiting > 0) return;
    if (this.#flights.has(exactKey(base, input)) || this.#store.has(base, input, startMs)) return;
    const request = { ...input, deadlineMs: Infinity };
    const ended = (): void => {
      this.#renewing--;
    };
    const waiter: Waiter = { request, base, done: ended, startMs, timer: undefined, flight: undefined };
    if (this.#join(waiter, false) === undefined && waiter.flight?.waited === true) {
      this.#leave(waiter);
      return;
    }
    this.#counts.renewals++;
    if (waiter.flight === undefined) return;
    this.#renewing++;
    waiter.timer = setTimeout(() => {
      this.#leave(waiter);
      ended();
    }, RENEWAL_MS).unref();
  }

  /** Finds a flight for the waiter, or the outcome at once. */
  #join(waiter: Waiter, mayFollow: boolean): Outcome | undefined {
    const { base, request } = waiter;
    const key = exactKey(base, request);
    const equal = this.#flights.get(key);
    if (equal !== undefined) {
      this.#counts.joined++;
      waiter.flight = equal;
      equal.waiters.add(waiter);
      return undefined;
    }
    const leader = mayFollow ? this.#leaders.get(base) : undefined;
    if (leader !== undefined && !this.#store.isWidened(base)) {
      waiter.flight = leader;
      leader.followers.add(waiter);
      return undefined;
    }
    return this.#begin(key, waiter);
  }

  #begin(key: string, waiter: Waiter): Outcome | undefined {
    const { base, request } = waiter;
    const flight: Flight = {
      key,
      base,
      input: withOwnTexts(request),
      waiters: new Set([waiter]),
      followers: new Set(),
      shares: sharesOf(request),
      start: () => {
        this.#startLate(flight);
      },
      waited: false,
      beganMs: 0,
      pending: undefined,
    };
    switch (this.#gate.enter(flight)) {
      case "never":
        this.#counts.refused++;
        return temperror(request.domain, TOO_MANY, "overload");
      case "later":
        flight.waited = true;
        break;
      case "now": {
        const outcome = this.#start(flight);
        if (outcome !== undefined) {
          this.#gate.leave(flight);
          return outcome;
        }
      }
    }
    waiter.flight = flight;
    this.#flights.set(key, flight);
    if (!this.#leaders.has(base)) this.#leaders.set(base, flight);
    return undefined;
  }

  /** Begins the evaluation, which may end at once. */
  #start(flight: Flight): Outcome | undefined {
    this.#counts.evaluations++;
    flight.beganMs = this.#nowMs();
    const outcome = this.#options.check(flight.input, (late) => {
      this.#complete(flight, late);
    });
    if ("cancel" in outcome) {
      flight.pending = outcome;
      return undefined;
    }
    this.#keep(flight, outcome);
    return outcome;
  }

  /** Its turn has come. Another evaluation may have left a verdict while it was waiting. */
  #startLate(flight: Flight): void {
    const known = this.#store.get(flight.base, flight.input, this.#nowMs());
    const outcome = known ?? this.#start(flight);
    if (outcome !== undefined) this.#serveAll(flight, outcome, known !== undefined);
  }

  #complete(flight: Flight, outcome: Outcome): void {
    this.#keep(flight, outcome);
    this.#serveAll(flight, outcome, false);
  }

  #keep({ base, input, beganMs }: Flight, outcome: Outcome): void {
    this.#store.set(base, input, outcome, beganMs, this.#nowMs());
  }

  #serveAll(flight: Flight, outcome: Outcome, cached: boolean): void {
    this.#unlist(flight);
    let joined = false;
    for (const waiter of flight.waiters) {
      this.#serve(waiter, this.#evaluation(waiter, outcome, cached, joined));
      joined = true;
    }
    const same = macroMask(outcome.macrosRead) === 0;
    for (const waiter of flight.followers) {
      if (same) {
        this.#counts.joined++;
        this.#serve(waiter, this.#evaluation(waiter, outcome, cached, true));
      } else {
        this.#joinAgain(waiter);
      }
    }
    this.#gate.leave(flight);
  }

  /** The leader's verdict depends on its sender: the follower needs one of its own, and now follows nobody. */
  #joinAgain(waiter: Waiter): void {
    waiter.flight = undefined;
    const known = this.#store.get(waiter.base, waiter.request, this.#nowMs());
    const outcome = known ?? this.#join(waiter, false);
    if (outcome !== undefined) this.#serve(waiter, this.#evaluation(waiter, outcome, known !== undefined));
  }

  /** Nobody finds the flight any more. */
  #unlist(flight: Flight): void {
    this.#flights.delete(flight.key);
    if (this.#leaders.get(flight.base) === flight) this.#leaders.delete(flight.base);
  }

  #evaluation({ startMs }: Waiter, outcome: Outcome, cached: boolean, joined = false): Evaluation {
    const elapsedMs = this.#nowMs() - startMs;
    if (joined) return { outcome, cached, source: "joined", elapsedMs };
    if (!cached && this.#options.isShared?.(outcome) === true)
      return { outcome, cached, source: "shared", elapsedMs };
    return { outcome, cached, elapsedMs };
  }

  /** @param waited time was lost in our own queue, so the result says nothing about DNS */
  #outOfTime(waiter: Waiter, waited: boolean, known?: Outcome): Evaluation {
    this.#counts.timeouts++;
    if (known !== undefined) return this.#evaluation(waiter, known, false);
    if (waited) this.#counts.refused++;
    const { domain } = waiter.request;
    const outcome = waited
      ? temperror(domain, TOO_MANY, "overload")
      : temperror(domain, "out of time for the SPF evaluation", "deadline");
    return this.#evaluation(waiter, outcome, false);
  }

  /** A caller that throws must not keep the verdict from the others who wait for it. */
  #serve(waiter: Waiter, evaluation: Evaluation): void {
    clearTimeout(waiter.timer);
    waiter.flight = undefined;
    try {
      waiter.done(evaluation);
    } catch (error) {
      this.#options.onError(error);
    }
  }

  /** The last to leave ends the evaluation. */
  #leave(waiter: Waiter): void {
    clearTimeout(waiter.timer);
    const { flight } = waiter;
    waiter.flight = undefined;
    if (flight === undefined) return;
    flight.waiters.delete(waiter);
    flight.followers.delete(waiter);
    if (flight.waiters.size + flight.followers.size > 0 || this.#flights.get(flight.key) !== flight) return;
    this.#unlist(flight);
    flight.pending?.cancel();
    this.#gate.leave(flight);
  }
}

/** What is known so far of the outcome that someone waits for; nothing where it depends on another one's sender. */
function knownFor({ flight, ...waiter }: Waiter): Outcome | undefined {
  const known = flight?.pending?.known;
  if (known === undefined || flight === undefined) return undefined;
  const isItsOwn = flight.key === exactKey(waiter.base, waiter.request);
  return isItsOwn || macroMask(known.macrosRead) === 0 ? known : undefined;
}

/** Copies of the texts: a verdict that is kept must not hold on to the packets that they were cut from. */
function withOwnTexts({ ip, domain, sender, helo, receiver }: VerdictInput): VerdictInput {
  return {
    ip,
    domain: ownText(domain),
    sender: ownText(sender),
    helo: ownText(helo),
    receiver: ownText(receiver),
  };
}
