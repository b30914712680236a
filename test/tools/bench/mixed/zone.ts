/**
 * The domains of the mixed workload as a pure function of their number: what they publish, how slow their name servers
 * are, what a check of them comes to. Shares are those of "SPF Beyond the Standard" (USENIX Security 2024) and "Lazy
 * Gatekeepers" (IMC 2023); TTLs are an assumption.
 *
 *     mN.xR.mix.test            domain N of run R; each run has names of its own, so that it starts with empty caches
 *     iK.mN.xR.mix.test         include K of that domain
 *     sK.xR.mix.test            one of six include targets that many domains share
 */

/** What a domain publishes. */
export type Kind = "none" | "plain" | "includes" | "lookups" | "missing" | "faulty" | "silent";

export interface Domain {
  readonly kind: Kind;
  /** Of its `include:`, as first labels; those that start with s are shared. */
  readonly includes: readonly string[];
  readonly ending: "-all" | "~all";
  /** As a domain owner would write it, before {@link SPEED}. */
  readonly ttlSeconds: number;
  /** Only for `faulty`: two records instead of a syntax error. */
  readonly isDouble: boolean;
}

/** Every TTL is divided by this: a second of the run is a minute of mail. Waits are not divided. */
export const SPEED = Number(process.env["MIXED_SPEED"] || 60);
export const SHARED_TARGETS = 6;
export const TYPE = { A: 1, MX: 15, TXT: 16, AAAA: 28 } as const;

/** Cumulative shares of domains; 60 % have a record. */
const KINDS: readonly (readonly [Kind, number])[] = [
  ["none", 0.4],
  ["plain", 0.4 + 0.6 * 0.4],
  ["includes", 0.4 + 0.6 * 0.91],
  ["lookups", 0.4 + 0.6 * 0.975],
  ["missing", 0.4 + 0.6 * 0.987],
  ["faulty", 0.4 + 0.6 * 0.992],
  ["silent", 0.4 + 0.6 * 0.995],
  // What is left of those with a record, half a percent, is plain.
  ["plain", 1],
];

const TTLS: readonly (readonly [number, number])[] = [
  [60, 0.1],
  [300, 0.5],
  [3600, 0.9],
  [86400, 1],
];

/** A number from 0 to 1 that depends on nothing but its arguments (FNV-1a, then the finalizer of MurmurHash3). */
export function chance(seed: number, ...what: readonly (number | string)[]): number {
  let h = 0x811c9dc5 ^ seed;
  const text = what.join(" ");
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

function pick<T>(table: readonly (readonly [T, number])[], u: number): T {
  const last = table.at(-1);
  if (last === undefined) throw new Error("an empty table");
  return (table.find(([, upTo]) => u < upTo) ?? last)[0];
}

/** What domain `n` publishes. */
export function domainOf(seed: number, n: number): Domain {
  const kind = pick(KINDS, chance(seed, n, "kind"));
  const between = (low: number, high: number): number =>
    low + Math.floor(chance(seed, n, "count") * (high - low + 1));
  const count = kind === "includes" ? between(1, 4) : kind === "lookups" ? between(11, 14) : 0;
  const includes = Array.from({ length: count }, (_, i) =>
    kind === "includes" && chance(seed, n, i, "shared") < 0.5
      ? `s${Math.floor(chance(seed, n, i, "which") * SHARED_TARGETS)}`
      : `i${i}`,
  );
  return {
    kind,
    includes,
    ending: chance(seed, n, "ending") < 0.37 ? "-all" : "~all",
    ttlSeconds: pick(TTLS, chance(seed, n, "ttl")),
    isDouble: chance(seed, n, "double") < 0.5,
  };
}

/** Networks of clients that every domain with a good record permits, and of those that none does. */
export const PERMITTED = { four: "192.0.2.", six: "2001:db8:2::" } as const;
export const STRANGER = { four: "203.0.113.", six: "2001:db8:bad::" } as const;

const OWN_NETWORKS = "ip4:192.0.2.0/24 ip6:2001:db8:2::/48";

function spfOf(seed: number, n: number, base: string, name: string): string[] {
  const { kind, includes, ending, isDouble } = domainOf(seed, n);
  if (kind === "none" || kind === "silent") return [];
  if (kind === "faulty") return isDouble ? ["v=spf1 ~all", "v=spf1 -all"] : ["v=spf1 ip4:300.1.2.3 -all"];
  if (kind === "missing") return [`v=spf1 include:gone.${name} ${ending}`];
  const addresses = chance(seed, n, "order") < 0.5 ? `${OWN_NETWORKS} a mx` : `a mx ${OWN_NETWORKS}`;
  if (kind === "plain") return [`v=spf1 ${addresses} ${ending}`];
  const asked = includes.map((label) => `include:${label}.${label.startsWith("s") ? base : name}`);
  // Over the limit, so nothing may match before it; else the domain's own hosts come last.
  return [`v=spf1 ${asked.join(" ")}${kind === "lookups" ? "" : ` ${OWN_NETWORKS}`} ${ending}`];
}

/** What a check of a message comes to. */
export function expectedResult(domain: Domain, isPermitted: boolean): string {
  switch (domain.kind) {
    case "none":
      return "none";
    case "silent":
      return "temperror";
    case "plain":
    case "includes":
      if (isPermitted) return "pass";
      return domain.ending === "-all" ? "fail" : "softfail";
    default:
      return "permerror";
  }
}

/** Data of the records that answer a question, in wire terms; `ttl` is already divided, and that of a negative answer too. */
export type Answer =
  | { readonly kind: "silence" }
  | { readonly kind: "nxdomain"; readonly ttl: number }
  | { readonly kind: "records"; readonly ttl: number; readonly data: readonly string[] };

const NAME = /^(?:(i\d+|mail|gone)\.)?m(\d+)\.(x\d+\.mix\.test)$/;

/** The domain's number where a name belongs to one. */
export function numberOf(name: string): number | undefined {
  const match = NAME.exec(name);
  return match === null ? undefined : Number(match[2]);
}

/** Whether a domain is among the `share` whose name servers are switched off for a run; see sections/independence.ts. */
export function isSwitchedOff(seed: number, n: number, share: number): boolean {
  return chance(seed, n, "off") < share;
}

/** The answer to a question about a name under mix.test, in small letters. */
export function answerOf(seed: number, name: string, type: number, offShare: number): Answer {
  const lifeOf = (ttl: number): number => Math.max(1, Math.round(ttl / SPEED));
  const records = (ttl: number, data: readonly string[]): Answer => ({
    kind: "records",
    ttl: lifeOf(ttl),
    data,
  });
  if (/^s\d+\.x\d+\.mix\.test$/.test(name)) {
    return records(300, type === TYPE.TXT ? ["v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:5::/48 ~all"] : []);
  }
  const match = NAME.exec(name);
  if (match === null) return { kind: "nxdomain", ttl: lifeOf(300) };
  const [, label, digits, base = ""] = match;
  const n = Number(digits);
  const domain = domainOf(seed, n);
  if (domain.kind === "silent" || isSwitchedOff(seed, n, offShare)) return { kind: "silence" };
  if (label === "gone") return { kind: "nxdomain", ttl: lifeOf(domain.ttlSeconds) };
  if (type === TYPE.A) return records(domain.ttlSeconds, ["198.51.100.7"]);
  if (type === TYPE.AAAA) return records(domain.ttlSeconds, ["2001:db8:3::7"]);
  if (label === "mail") return records(domain.ttlSeconds, []);
  if (label !== undefined) {
    return records(domain.ttlSeconds, type === TYPE.TXT ? [`v=spf1 ip4:10.${n % 256}.0.0/16 ~all`] : []);
  }
  if (type === TYPE.MX) return records(domain.ttlSeconds, [`mail.${name}`]);
  return records(domain.ttlSeconds, type === TYPE.TXT ? spfOf(seed, n, base, name) : []);
}

/**
 * How long an answer takes where the shortest takes `delayMs`: half of all names take that, the slowest tenth 2.5 times
 * as long, one in a hundred 5 times, one in a thousand 9 times (lognormal, σ 0.7). A name is always as slow.
 */
export function delayOf(seed: number, name: string, delayMs: number): number {
  const [u, v] = [Math.max(chance(seed, name, "u"), 2 ** -32), chance(seed, name, "v")];
  const normal = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
  return delayMs * Math.max(1, Math.exp(0.7 * normal));
}
