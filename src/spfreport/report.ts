import { SPF_RESULTS, type SpfResult } from "spf-check";
import { isHostName } from "../address/index.ts";
import type { BoundedTable, Counted } from "./bounded-table.ts";
import { isInNetworks, isOurDomain, type Ours } from "./names.ts";
import type { LineCounts } from "./read-log.ts";
import type { Suggestion } from "./suggest.ts";
import { type ClientTally, type COUNTED_ACTIONS, type Done, MS_BUCKETS, type Tally } from "./tally.ts";

/** Messages that were refused, and that would have been but for ReportOnly. */
export interface Refusals {
  readonly refused: number;
  readonly reportOnly: number;
}

export interface DomainRow extends Refusals {
  readonly domain: string;
}

export interface ClientRow extends Refusals {
  readonly ip: string;
  readonly ptr: string;
}

export interface DayRow extends Refusals {
  /** `2026-11-22`, local time. */
  readonly date: string;
  readonly results: Readonly<Record<SpfResult, number>>;
}

export interface ErrorRow {
  readonly domain: string;
  readonly result: "temperror" | "permerror";
  readonly count: number;
  readonly problem: string | undefined;
}

/** A client that fails for several domains, and what was found of it. */
export interface ForwarderRow {
  readonly ip: string;
  readonly ptr: string;
  readonly count: number;
  readonly domains: number;
  readonly days: number;
  /** The line that is for it, if there is one. */
  readonly line: string | undefined;
}

/** What evaluations cost, as far as the log says. */
export interface DnsHealth {
  readonly evaluated: number;
  readonly cached: number;
  /** Counted lookups of an evaluation on average; undefined where no line tells. */
  readonly lookups: number | undefined;
  /** Milliseconds that half, 95 and 99 of 100 evaluations stayed below; undefined where no line tells. */
  readonly ms: { readonly p50: number; readonly p95: number; readonly p99: number } | undefined;
}

/** What --what-if came to. */
export interface WhatIf {
  readonly settings: readonly string[];
  readonly was: number;
  readonly refused: number;
  readonly added: number;
  readonly removed: number;
}

/** The content of the report, whatever the format. Values out of the log are printable ASCII. */
export interface Report {
  readonly lines: LineCounts;
  readonly messages: number;
  readonly results: Readonly<Record<SpfResult, number>>;
  readonly actions: Readonly<Record<(typeof COUNTED_ACTIONS)[number], Done>>;
  readonly days: readonly DayRow[];
  readonly domains: readonly DomainRow[];
  readonly clients: readonly ClientRow[];
  readonly yours: { readonly domains: readonly DomainRow[]; readonly clients: readonly ClientRow[] };
  readonly errors: readonly ErrorRow[];
  readonly rules: readonly {
    readonly rule: string;
    readonly place: string | undefined;
    readonly hits: number;
  }[];
  readonly forwarders: readonly ForwarderRow[];
  readonly suggestions: readonly Suggestion[];
  readonly whatIf: WhatIf | undefined;
  readonly dns: DnsHealth;
  /** How many rows the tables would have. */
  readonly totals: {
    readonly domains: number;
    readonly clients: number;
    readonly errors: number;
    readonly rules: number;
  };
  /** Messages refused or that would be, and how many of them would remain so with the lines suggested. */
  readonly refusals: { readonly count: number; readonly remaining: number };
  /** Whether the operator has said what is theirs. */
  readonly knowsOurs: boolean;
  /** Why some suggestions could not be made. */
  readonly dnsAsked: "asked" | "not asked" | "nothing to ask";
  /** How much the counts of domains, clients and errors may be too low; 0: exact. */
  readonly inexact: number;
}

/** What the report is made of besides the tally. */
export interface ReportParts {
  readonly lines: LineCounts;
  readonly ours: Ours;
  readonly suggestions: readonly Suggestion[];
  readonly dnsAsked: Report["dnsAsked"];
  readonly whatIf: WhatIf | undefined;
  /** Rows of each table. */
  readonly detail: number;
}

/** Makes the report, its tables most first. */
export function makeReport(tally: Tally, parts: ReportParts): Report {
  const { ours, detail, suggestions } = parts;
  const domains = [...tally.domains.values()].sort(byRefusals("domain"));
  const clients = [...tally.clients.values()].filter(isRefused).sort(byRefusals("ip"));
  const errors = [...tally.errors.values()].sort((a, b) => b.count - a.count || compare(a.domain, b.domain));
  const rules = [...tally.rules.values()].sort((a, b) => b.count - a.count || compare(a.rule, b.rule));
  const ourNetworks = [...ours.networks, ...ours.exempt];
  const { done, reportOnly } = tally.actions.refused;
  return {
    lines: parts.lines,
    messages: tally.messages,
    results: tally.results,
    actions: tally.actions,
    days: daysOf(tally),
    domains: domains.slice(0, detail).map(domainRow),
    clients: clients.slice(0, detail).map(clientRow),
    yours: {
      domains: domains
        .filter(({ domain }) => isOurDomain(domain, ours))
        .slice(0, detail)
        .map(domainRow),
      clients: clients
        .filter(({ ip }) => isInNetworks(ip, ourNetworks))
        .slice(0, detail)
        .map(clientRow),
    },
    errors: errors
      .slice(0, detail)
      .map(({ domain, result, count, problem }) => ({ domain, result, count, problem })),
    rules: rules.slice(0, detail).map(({ rule, place, count }) => ({ rule, place, hits: count })),
    forwarders: forwardersOf(tally, suggestions).slice(0, detail),
    suggestions: cutSuggestions(suggestions, detail),
    whatIf: parts.whatIf,
    dns: dnsHealth(tally),
    totals: {
      domains: domains.length,
      clients: clients.length,
      errors: errors.length,
      rules: rules.length,
    },
    refusals: { count: done + reportOnly, remaining: done + reportOnly - answered(tally, suggestions) },
    knowsOurs: ourNetworks.length > 0 || ours.domains.length > 0,
    dnsAsked: parts.dnsAsked,
    inexact: lostOf([tally.domains, tally.clients, tally.errors, tally.locals, tally.ownFails]),
  };
}

/** Whether anything was refused, or would have been. */
export function isAnythingRefused({ refusals }: Report): boolean {
  return refusals.count > 0;
}

function lostOf(tables: readonly BoundedTable<Counted>[]): number {
  return Math.max(...tables.map(({ lost }) => lost));
}

function isRefused({ refused, reportOnly }: Refusals): boolean {
  return refused + reportOnly > 0;
}

function byRefusals<Key extends string>(key: Key) {
  return (a: Refusals & Record<Key, string>, b: Refusals & Record<Key, string>): number =>
    b.refused + b.reportOnly - a.refused - a.reportOnly || compare(a[key], b[key]);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function domainRow({ domain, refused, reportOnly }: DomainRow): DomainRow {
  return { domain, refused, reportOnly };
}

function clientRow({ ip, ptr, refused, reportOnly }: ClientRow): ClientRow {
  return { ip, ptr, refused, reportOnly };
}

/** More days than this are not filled up with empty ones. */
const DAYS_FILLED_MAX = 400;
const DAY_MS = 86_400_000;

/** The days in order, with those between on which nothing came. */
function daysOf({ days }: Tally): DayRow[] {
  const dates = [...days.keys()].sort(compare);
  const [first, last] = [dates[0], dates.at(-1)];
  if (first === undefined || last === undefined) return [];
  const span = Math.round((Date.parse(last) - Date.parse(first)) / DAY_MS);
  if (!(span > dates.length - 1) || span > DAYS_FILLED_MAX)
    return dates.flatMap((date) => days.get(date) ?? []);
  return Array.from({ length: span + 1 }, (_, i) => {
    const date = new Date(Date.parse(first) + i * DAY_MS).toISOString().slice(0, 10);
    return days.get(date) ?? { date, results: NOTHING, refused: 0, reportOnly: 0 };
  });
}

const NOTHING = Object.fromEntries(SPF_RESULTS.map((result) => [result, 0])) as Record<SpfResult, number>;

/** Clients that fail for several domains, those with most domains first. */
function forwardersOf(tally: Tally, suggestions: readonly Suggestion[]): ForwarderRow[] {
  const lines = new Map(
    suggestions.flatMap(({ line, clients }) =>
      line === undefined ? [] : clients.map((ip) => [ip, line] as const),
    ),
  );
  return [...tally.clients.values()]
    .filter(({ failedDomains, ptr }) => failedDomains.length >= 3 && isHostName(ptr))
    .sort((a, b) => b.failedDomains.length - a.failedDomains.length || b.failed - a.failed)
    .map(({ ip, ptr, failed, failedDomains, failedDays }: ClientTally) => ({
      ip,
      ptr,
      count: failed,
      domains: failedDomains.length,
      days: failedDays.length,
      line: lines.get(ip),
    }));
}

/** Lines are all given; advice to others only as many rows as of a table. */
function cutSuggestions(suggestions: readonly Suggestion[], detail: number): Suggestion[] {
  let advice = 0;
  return suggestions.filter(({ line }) => line !== undefined || advice++ < detail);
}

/** The refusals that the lines suggested would have spared. */
function answered(tally: Tally, suggestions: readonly Suggestion[]): number {
  const clients = new Set(suggestions.flatMap(({ line, clients: ips }) => (line === undefined ? [] : ips)));
  let messages = 0;
  for (const ip of clients) {
    const client = tally.clients.get(ip);
    if (client !== undefined) messages += client.refused + client.reportOnly;
  }
  return messages;
}

function dnsHealth({ dns }: Tally): DnsHealth {
  const timed = dns.ms.reduce((sum, count) => sum + count, 0);
  return {
    evaluated: dns.evaluated,
    cached: dns.cached,
    lookups: dns.withLookups === 0 ? undefined : dns.lookups / dns.withLookups,
    ms:
      timed === 0
        ? undefined
        : {
            p50: quantile(dns.ms, timed * 0.5),
            p95: quantile(dns.ms, timed * 0.95),
            p99: quantile(dns.ms, timed * 0.99),
          },
  };
}

/** The upper bound of the bucket that contains this rank. */
function quantile(buckets: readonly number[], rank: number): number {
  let seen = 0;
  for (const [i, count] of buckets.entries()) {
    seen += count;
    if (seen >= rank) return MS_BUCKETS[i] ?? Number.POSITIVE_INFINITY;
  }
  return Number.POSITIVE_INFINITY;
}
