/** The messages of the mixed workload: when each comes, from where, and what is to become of it. */
import { chance, domainOf, expectedResult, isSwitchedOff, type Kind, PERMITTED, STRANGER } from "./zone.ts";

export interface Population {
  readonly seed: number;
  /** Names of their own for each run. */
  readonly run: number;
  readonly domains: number;
  /** Messages a second, on average. */
  readonly rate: number;
  /** Share of domains whose name servers say nothing, besides those that never do. */
  readonly offShare: number;
  /** Share of domains that do not count among those that answer: the same in runs with and without `offShare`. */
  readonly leftOutShare: number;
}

export interface MixedMessage {
  /** Since the start of the run. */
  readonly atMs: number;
  readonly sender: string;
  readonly helo: string;
  readonly clientIp: string;
  readonly kind: Kind;
  /** Whether its domain is one that answers, and would do so in the run that this one is compared with. */
  readonly isAnswered: boolean;
  readonly expected: string;
}

const NULL_SENDERS = 0.1;
const IPV6_CLIENTS = 0.1;
const PERMITTED_CLIENTS = 0.85;

/** Rank by Zipf with exponent 1.0: number n from 0 with a chance of ln((n + 2) / (n + 1)) / ln(domains + 1). */
export function zipf(domains: number, u: number): number {
  return Math.min(domains - 1, Math.floor((domains + 1) ** u) - 1);
}

/** Message `i`, that comes `gapMs` after the one before it (Poisson arrivals). */
export function messageAt(population: Population, i: number, previousMs: number): MixedMessage {
  const { seed, run, domains, rate, offShare, leftOutShare } = population;
  const draw = (what: string): number => chance(seed, "message", i, what);
  const n = zipf(domains, draw("domain"));
  const domain = domainOf(seed, n);
  const name = `m${n}.x${run}.mix.test`;
  const isPermitted = draw("permitted") < PERMITTED_CLIENTS;
  const networks = isPermitted ? PERMITTED : STRANGER;
  // A domain sends from two hosts; strangers are many.
  const host = isPermitted
    ? 1 + ((2 * n + (draw("host") < 0.5 ? 1 : 0)) % 250)
    : 1 + Math.floor(draw("host") * 250);
  const isOff = isSwitchedOff(seed, n, offShare);
  return {
    atMs: previousMs - (Math.log(1 - draw("gap")) * 1000) / rate,
    sender: draw("null") < NULL_SENDERS ? "" : `u${Math.floor(draw("user") * 5)}@${name}`,
    helo: name,
    clientIp: draw("six") < IPV6_CLIENTS ? `${networks.six}${host.toString(16)}` : `${networks.four}${host}`,
    kind: domain.kind,
    isAnswered: domain.kind !== "silent" && !isOff && !isSwitchedOff(seed, n, leftOutShare),
    expected: isOff ? "temperror" : expectedResult(domain, isPermitted),
  };
}
