import { unmapIpv4 } from "../address/index.ts";
import type { EvaluationRequest } from "../filter/index.ts";

/** Bounds of a {@link FairGate}. */
export interface GateLimits {
  /** So many run at once. */
  readonly runningMax: number;
  /** So many of those under one key. */
  readonly runningPerKeyMax: number;
  /** So many may wait; one more is turned away. */
  readonly waitingMax: number;
}

/** Something that is to run. */
export interface Runnable {
  /** What it counts against. */
  readonly keys: readonly string[];
  /** Called when its turn comes after a wait. Must not throw; may end at once by calling {@link FairGate.leave}. */
  start(): void;
}

/**
 * Lets a bounded number of things run at once. Everything runs under some keys, and no key gets more than its
 * share: who makes many slow things waits behind the own ones, and the others go past. In order of arrival apart
 * from that.
 */
export class FairGate {
  readonly #limits: GateLimits;
  readonly #running = new Set<Runnable>();
  readonly #waiting = new Set<Runnable>();
  readonly #perKey = new Map<string, number>();
  #admitting = false;
  #roomMade = false;

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
    if (this.#mayRun(runnable)) {
      this.#count(runnable);
      return "now";
    }
    if (this.#waiting.size >= this.#limits.waitingMax) return "never";
    this.#waiting.add(runnable);
    return "later";
  }

  /** Ends what runs, or gives up waiting; harmless afterwards. */
  leave(runnable: Runnable): void {
    this.#waiting.delete(runnable);
    if (!this.#running.delete(runnable)) return;
    for (const key of runnable.keys) {
      const count = (this.#perKey.get(key) ?? 1) - 1;
      if (count === 0) this.#perKey.delete(key);
      else this.#perKey.set(key, count);
    }
    this.#admit();
  }

  /** What starts here may end at once and come back here; then room may be for one that was passed over. */
  #admit(): void {
    this.#roomMade = true;
    if (this.#admitting) return;
    this.#admitting = true;
    while (this.#roomMade) {
      this.#roomMade = false;
      for (const runnable of this.#waiting) {
        if (this.#running.size >= this.#limits.runningMax) break;
        if (!this.#mayRun(runnable)) continue;
        this.#waiting.delete(runnable);
        this.#count(runnable);
        runnable.start();
      }
    }
    this.#admitting = false;
  }

  #mayRun({ keys }: Runnable): boolean {
    return (
      this.#running.size < this.#limits.runningMax &&
      keys.every((key) => (this.#perKey.get(key) ?? 0) < this.#limits.runningPerKeyMax)
    );
  }

  #count(runnable: Runnable): void {
    this.#running.add(runnable);
    for (const key of runnable.keys) this.#perKey.set(key, (this.#perKey.get(key) ?? 0) + 1);
  }
}

/**
 * What an evaluation counts against: the network of the client (/24, or /48 of IPv6), and the last two labels of
 * the domain. Whoever has a slow domain has any number of names below it, and whoever has a host often has the
 * addresses beside it. Where two labels are a public suffix, the share is only smaller than it could be.
 */
export function sharesOf({ ip, domain }: Pick<EvaluationRequest, "ip" | "domain">): readonly string[] {
  const { family, bytes } = unmapIpv4(ip);
  const labels = domain.toLowerCase().replace(/\.$/, "").split(".");
  return [`ip ${bytes.subarray(0, family === 4 ? 3 : 6).join(".")}`, `domain ${labels.slice(-2).join(".")}`];
}
