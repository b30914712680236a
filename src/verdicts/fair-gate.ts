import { unmapIpv4 } from "../address/index.ts";
import type { EvaluationRequest } from "../filter/index.ts";

/** Bounds of a {@link FairGate}. */
export interface GateLimits {
  /** So many run at once. */
  readonly runningMax: number;
  /** So many may wait, and half of them for one share; one more is turned away. */
  readonly waitingMax: number;
}

/** A part of the running that one kind of runnables may take. */
export interface Share {
  readonly key: string;
  /** The part of {@link GateLimits.runningMax}. */
  readonly part: number;
  /** Those that wait for this share take turns by it. */
  readonly turn: string;
}

/** Something that is to run. */
export interface Runnable {
  /** What it counts against, the narrowest first. */
  readonly shares: readonly Share[];
  /** Called when its turn comes after a wait. Must not throw; may end at once by calling {@link FairGate.leave}. */
  start(): void;
}

const ALL_PART = 1;
const NETWORK_PART = 1 / 2;
const DOMAIN_PART = 1 / 2;
const PAIR_PART = 1 / 8;

/**
 * What an evaluation counts against. The owner of a slow domain has any number of names below it, and the owner of a
 * host often has the neighbouring addresses; so one network (/24, or /48 of IPv6) together with the last two labels of
 * a domain gets an eighth of all evaluations, and each of the two alone a half.
 *
 * Two labels may be a public suffix. The list of those is 200 KB that go stale, and is not needed: under one suffix
 * the next label takes turns, so that a domain below it never waits for all of another, and the eighth is shared
 * only with the clients of the same network.
 */
export function sharesOf({ ip, domain }: Pick<EvaluationRequest, "ip" | "domain">): readonly Share[] {
  const { family, bytes } = unmapIpv4(ip);
  const network = bytes.subarray(0, family === 4 ? 3 : 6).join(".");
  const labels = domain.toLowerCase().replace(/\.$/, "").split(".");
  const suffix = labels.slice(-2).join(".");
  const name = labels.slice(-3).join(".");
  return [
    { key: `${network} ${suffix}`, part: PAIR_PART, turn: name },
    { key: `${network} `, part: NETWORK_PART, turn: suffix },
    { key: ` ${suffix}`, part: DOMAIN_PART, turn: name },
    { key: "", part: ALL_PART, turn: network },
  ];
}

/** Those that wait for one share: the kinds of them take turns, and within a kind they go in order of arrival. */
class Queue {
  size = 0;
  readonly #turns = new Map<string, Set<Runnable>>();

  add(turn: string, runnable: Runnable): void {
    const waiting = this.#turns.get(turn);
    if (waiting === undefined) this.#turns.set(turn, new Set([runnable]));
    else waiting.add(runnable);
    this.size++;
  }

  remove(turn: string, runnable: Runnable): void {
    const waiting = this.#turns.get(turn);
    if (waiting?.delete(runnable) !== true) return;
    if (waiting.size === 0) this.#turns.delete(turn);
    this.size--;
  }

  /** The next one, which is removed; its kind goes to the back of the queue. */
  take(): Runnable | undefined {
    for (const [turn, waiting] of this.#turns) {
      const [first] = waiting;
      if (first === undefined) continue;
      this.remove(turn, first);
      this.#turns.delete(turn);
      if (waiting.size > 0) this.#turns.set(turn, waiting);
      return first;
    }
    return undefined;
  }
}

/**
 * Lets a bounded number of things run at once, and no kind of them more than its share. What finds a share full
 * waits for that one; when one of the share ends, the next of those is let in, or waits for another share that is
 * full. So nothing waits that could run, and each end costs a look at a few, however many wait.
 */
export class FairGate {
  readonly #limits: GateLimits;
  readonly #running = new Set<Runnable>();
  /** What waits, and the share it waits for. */
  readonly #waiting = new Map<Runnable, Share>();
  readonly #perShare = new Map<string, number>();
  readonly #queues = new Map<string, Queue>();
  /** Shares that have got room and may have somebody waiting. */
  readonly #freed: Share[] = [];
  #admitting = false;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether it may run now, is started later when there is room, or is turned away: too many wait already. */
  enter(runnable: Runnable): "now" | "later" | "never" {
    const full = this.#firstFull(runnable);
    if (full === undefined) {
      this.#count(runnable);
      return "now";
    }
    const { waitingMax } = this.#limits;
    const sameMax = full.part === ALL_PART ? waitingMax : waitingMax / 2;
    if (this.#waiting.size >= waitingMax || (this.#queues.get(full.key)?.size ?? 0) >= sameMax)
      return "never";
    this.#park(runnable, full);
    return "later";
  }

  /** Ends what runs, or gives up waiting; harmless afterwards. */
  leave(runnable: Runnable): void {
    const share = this.#waiting.get(runnable);
    if (share !== undefined) {
      this.#waiting.delete(runnable);
      const queue = this.#queues.get(share.key);
      queue?.remove(share.turn, runnable);
      if (queue?.size === 0) this.#queues.delete(share.key);
    }
    if (!this.#running.delete(runnable)) return;
    for (const freed of runnable.shares) {
      const count = (this.#perShare.get(freed.key) ?? 1) - 1;
      if (count === 0) this.#perShare.delete(freed.key);
      else this.#perShare.set(freed.key, count);
      if (this.#queues.has(freed.key)) this.#freed.push(freed);
    }
    this.#admit();
  }

  /** In a loop: what starts here may end at once and free its shares again. */
  #admit(): void {
    if (this.#admitting) return;
    this.#admitting = true;
    for (let share = this.#freed.pop(); share !== undefined; share = this.#freed.pop()) {
      const queue = this.#queues.get(share.key);
      while (queue !== undefined && !this.#isFull(share)) {
        const next = queue.take();
        if (queue.size === 0) this.#queues.delete(share.key);
        if (next === undefined) break;
        this.#waiting.delete(next);
        const full = this.#firstFull(next);
        if (full !== undefined) {
          this.#park(next, full);
        } else {
          this.#count(next);
          next.start();
        }
      }
    }
    this.#admitting = false;
  }

  #park(runnable: Runnable, share: Share): void {
    let queue = this.#queues.get(share.key);
    if (queue === undefined) {
      queue = new Queue();
      this.#queues.set(share.key, queue);
    }
    queue.add(share.turn, runnable);
    this.#waiting.set(runnable, share);
  }

  #firstFull({ shares }: Runnable): Share | undefined {
    return shares.find((share) => this.#isFull(share));
  }

  #isFull({ key, part }: Share): boolean {
    return (this.#perShare.get(key) ?? 0) >= Math.ceil(this.#limits.runningMax * part);
  }

  #count(runnable: Runnable): void {
    this.#running.add(runnable);
    for (const { key } of runnable.shares) this.#perShare.set(key, (this.#perShare.get(key) ?? 0) + 1);
  }
}
