import type { SpfResult } from "spf-check";
import { ACTIONS, type Action } from "../filter/index.ts";
import { BoundedTable, type Counted } from "./bounded-table.ts";
import type { ResultLine } from "./log-line.ts";
import { type ActionTaken, type LoggedMessage, ruleOf } from "./messages.ts";
import { isInNetworks, isOurDomain, type Ours, policyDomain, shown } from "./names.ts";

/** Tables are exact up to this many keys. */
const KEYS_MAX = 100_000;
/** Domains, and days, that are counted separately for one client. */
export const DOMAINS_MAX = 64;
const DAYS_MAX = 1_000;
const NONE: readonly string[] = [];

export interface Done {
  done: number;
  reportOnly: number;
}

export interface DayTally {
  readonly date: string;
  readonly results: Record<SpfResult, number>;
  refused: number;
  reportOnly: number;
}

/** A sender domain that mail was or would be refused for. */
export interface DomainTally extends Counted {
  readonly domain: string;
  refused: number;
  reportOnly: number;
}

/** A client whose mail was or would be refused, tagged or quarantined. */
export interface ClientTally extends Counted {
  readonly ip: string;
  readonly ptr: string;
  readonly helo: string;
  refused: number;
  reportOnly: number;
  /** Messages with SPF fail, their sender domains and days. */
  failed: number;
  failedDomains: readonly string[];
  failedDays: readonly string[];
  /** Of the messages that would be refused under the settings of --what-if, and which of them were not. */
  ifRefused: number;
  ifAdded: number;
}

/** A client in one of our networks. */
export interface LocalTally extends Counted {
  readonly ip: string;
  readonly ptr: string;
  /** Messages whose sender domain is ours, and others. */
  own: number;
  foreign: number;
  foreignDomains: readonly string[];
  /** Messages that were or would be refused, tagged or quarantined. */
  acted: number;
  actedDays: readonly string[];
}

/** A domain of ours that failed for a client outside. */
export interface OwnFailTally extends Counted {
  readonly domain: string;
  readonly ip: string;
  readonly ptr: string;
  readonly helo: string;
  days: readonly string[];
}

/** A domain whose policy could not be evaluated. */
export interface ErrorTally extends Counted {
  readonly domain: string;
  readonly result: "temperror" | "permerror";
  problem: string | undefined;
  days: readonly string[];
}

export interface RuleTally extends Counted {
  readonly rule: string;
  place: string | undefined;
}

/** How long evaluations took, as far as the log says. */
export interface DnsTally {
  evaluated: number;
  cached: number;
  lookups: number;
  withLookups: number;
  /** Evaluations by milliseconds, in buckets of {@link MS_BUCKETS}. */
  readonly ms: number[];
}

/** Upper bounds of the buckets of {@link DnsTally.ms}; one more holds the rest. */
export const MS_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000] as const;

/** What would become of a message under other settings. */
export interface Replay {
  /** Whether a result that has no action line would be refused: the C programs log no refusals. */
  readonly refusedByDefault: (message: LoggedMessage) => boolean;
  /** Whether the message would be refused under the settings of --what-if. */
  readonly refusedIf: ((message: LoggedMessage, was: boolean) => boolean) | undefined;
}

/** Counts what the log says. Memory is bounded, whatever the log holds. */
export class Tally {
  readonly results: Record<SpfResult, number> = noResults();
  readonly actions: Record<Exclude<Action, "header removed">, Done> = {
    refused: { done: 0, reportOnly: 0 },
    tagged: { done: 0, reportOnly: 0 },
    quarantined: { done: 0, reportOnly: 0 },
    held: { done: 0, reportOnly: 0 },
    skipped: { done: 0, reportOnly: 0 },
    spared: { done: 0, reportOnly: 0 },
  };
  messages = 0;
  readonly days = new Map<string, DayTally>();
  readonly domains = new BoundedTable<DomainTally>(KEYS_MAX);
  readonly clients = new BoundedTable<ClientTally>(KEYS_MAX);
  readonly locals = new BoundedTable<LocalTally>(KEYS_MAX);
  readonly ownFails = new BoundedTable<OwnFailTally>(KEYS_MAX);
  readonly errors = new BoundedTable<ErrorTally>(KEYS_MAX);
  readonly rules = new BoundedTable<RuleTally>(KEYS_MAX);
  readonly dns: DnsTally = {
    evaluated: 0,
    cached: 0,
    lookups: 0,
    withLookups: 0,
    ms: Array.from({ length: MS_BUCKETS.length + 1 }, () => 0),
  };
  readonly whatIf = { was: 0, refused: 0, added: 0, removed: 0 };
  readonly #ours: Ours;
  readonly #replay: Replay;
  /** Processes known to be smf-spf 3, which logs what it refuses. */
  readonly #logsRefusals = new Set<string>();
  #quarter = Number.NaN;
  #day: DayTally | undefined;

  constructor(ours: Ours, replay: Replay) {
    this.#ours = ours;
    this.#replay = replay;
  }

  /** A process that logs its refusals: smf-spf 3. */
  knowProcess(process: string): void {
    if (this.#logsRefusals.size < KEYS_MAX) this.#logsRefusals.add(process);
  }

  result(line: ResultLine, timeMs: number): void {
    const day = this.#dayOf(timeMs);
    const { result } = line;
    this.results[result]++;
    day.results[result]++;
    const { dns } = this;
    if (line.cached) dns.cached++;
    else dns.evaluated++;
    if (line.lookups !== undefined && !line.cached) {
      dns.lookups += line.lookups;
      dns.withLookups++;
    }
    if (line.ms !== undefined && !line.cached) count(dns.ms, bucketOf(line.ms));
    if (result === "temperror" || result === "permerror") this.#error(line, result, day.date);
  }

  message(message: LoggedMessage): void {
    this.messages++;
    const { actions } = message;
    const day = this.#dayOf(message.timeMs);
    let acted = false;
    let refusal: "done" | "reportOnly" | undefined;
    for (const taken of actions) {
      const how = taken.reportOnly ? "reportOnly" : "done";
      this.#rule(taken, message);
      if (taken.action === "header removed") continue;
      this.actions[taken.action][how]++;
      if (taken.action === "refused") refusal = how;
      if (taken.action !== "skipped" && taken.action !== "spared") acted = true;
    }
    if (actions.length === 0 && this.#isRefusedUntold(message)) {
      refusal = "reportOnly";
      acted = true;
      this.actions.refused.reportOnly++;
    }
    const was = refusal !== undefined;
    if (refusal === "done") day.refused++;
    else if (was) day.reportOnly++;
    const refusedIf = this.#replay.refusedIf?.(message, was) ?? was;
    this.#countWhatIf(was, refusedIf);
    const isLocal = isInNetworks(message.ip, this.#ours.networks);
    if (isLocal) this.#local(message, acted, day.date);
    if (!acted && !refusedIf) return;
    const domain = this.#domain(message, refusal);
    this.#client(message, domain, { refusal, acted, refusedIf, date: day.date });
    if (acted && !isLocal && verdictOf(message) === "fail" && isOurDomain(domain, this.#ours)) {
      this.#ownFail(message, domain, day.date);
    }
  }

  #isRefusedUntold(message: LoggedMessage): boolean {
    const { verdict } = message;
    if (verdict === undefined || (verdict.result === "pass" && verdict.local === undefined)) return false;
    return !this.#logsRefusals.has(message.process) && this.#replay.refusedByDefault(message);
  }

  #countWhatIf(was: boolean, refusedIf: boolean): void {
    if (was) this.whatIf.was++;
    if (refusedIf) this.whatIf.refused++;
    if (refusedIf && !was) this.whatIf.added++;
    if (was && !refusedIf) this.whatIf.removed++;
  }

  #domain(message: LoggedMessage, refusal: "done" | "reportOnly" | undefined): string {
    const key = policyDomain(message.from, message.helo);
    if (refusal === undefined) return this.domains.get(key)?.domain ?? shown(key);
    let entry = this.domains.get(key);
    if (entry === undefined) {
      const domain = shown(key);
      entry =
        this.domains.get(domain) ?? this.domains.add(domain, { count: 0, domain, refused: 0, reportOnly: 0 });
    }
    entry.count++;
    if (refusal === "done") entry.refused++;
    else entry.reportOnly++;
    return entry.domain;
  }

  #client(
    message: LoggedMessage,
    domain: string,
    about: {
      readonly refusal: "done" | "reportOnly" | undefined;
      readonly acted: boolean;
      readonly refusedIf: boolean;
      readonly date: string;
    },
  ): void {
    const { refusal, acted, refusedIf, date } = about;
    let entry = this.clients.get(message.ip);
    if (entry === undefined) {
      const ip = shown(message.ip);
      entry = this.clients.add(ip, {
        count: 0,
        ip,
        ptr: shown(message.ptr),
        helo: shown(message.helo),
        refused: 0,
        reportOnly: 0,
        failed: 0,
        failedDomains: NONE,
        failedDays: NONE,
        ifRefused: 0,
        ifAdded: 0,
      });
    }
    if (acted) entry.count++;
    if (refusal === "done") entry.refused++;
    if (refusal === "reportOnly") entry.reportOnly++;
    if (refusedIf) entry.ifRefused++;
    if (refusedIf && refusal === undefined) entry.ifAdded++;
    if (!acted || verdictOf(message) !== "fail") return;
    entry.failed++;
    entry.failedDomains = withValue(entry.failedDomains, domain, DOMAINS_MAX);
    entry.failedDays = withValue(entry.failedDays, date, DAYS_MAX);
  }

  #local(message: LoggedMessage, acted: boolean, date: string): void {
    let entry = this.locals.get(message.ip);
    if (entry === undefined) {
      const ip = shown(message.ip);
      entry = this.locals.add(ip, {
        count: 0,
        ip,
        ptr: shown(message.ptr),
        own: 0,
        foreign: 0,
        foreignDomains: NONE,
        acted: 0,
        actedDays: NONE,
      });
    }
    entry.count++;
    if (acted) {
      entry.acted++;
      entry.actedDays = withValue(entry.actedDays, date, DAYS_MAX);
    }
    const domain = policyDomain(message.from, message.helo);
    if (isOurDomain(domain, this.#ours)) entry.own++;
    else {
      entry.foreign++;
      if (!entry.foreignDomains.includes(domain)) {
        entry.foreignDomains = withValue(entry.foreignDomains, shown(domain), DOMAINS_MAX);
      }
    }
  }

  #ownFail(message: LoggedMessage, domain: string, date: string): void {
    const ip = shown(message.ip);
    const key = `${domain} ${ip}`;
    const entry =
      this.ownFails.get(key) ??
      this.ownFails.add(key, {
        count: 0,
        domain,
        ip,
        ptr: shown(message.ptr),
        helo: shown(message.helo),
        days: NONE,
      });
    entry.count++;
    entry.days = withValue(entry.days, date, DAYS_MAX);
  }

  #error(line: ResultLine, result: "temperror" | "permerror", date: string): void {
    const name = line.identity === "helo" ? line.helo.toLowerCase() : policyDomain(line.from, line.helo);
    const key = `${result} ${name}`;
    let entry = this.errors.get(key);
    if (entry === undefined) {
      const domain = shown(name);
      const shownKey = `${result} ${domain}`;
      entry =
        this.errors.get(shownKey) ??
        this.errors.add(shownKey, { count: 0, domain, result, problem: undefined, days: NONE });
    }
    entry.count++;
    entry.days = withValue(entry.days, date, DAYS_MAX);
    if (line.problem !== undefined && entry.problem === undefined) entry.problem = shown(line.problem);
  }

  #rule(taken: ActionTaken, message: LoggedMessage): void {
    const rule = ruleOf(taken, message);
    if (rule === undefined) return;
    let entry = this.rules.get(rule);
    if (entry === undefined) {
      const name = shown(rule);
      entry = this.rules.get(name) ?? this.rules.add(name, { count: 0, rule: name, place: undefined });
    }
    entry.count++;
    if (entry.place === undefined && taken.line !== undefined) entry.place = shown(taken.line);
  }

  /** Neighbouring lines are of one quarter of an hour, within which no zone changes its date. */
  #dayOf(timeMs: number): DayTally {
    const quarter = Math.floor(timeMs / 900_000);
    if (quarter === this.#quarter && this.#day !== undefined) return this.#day;
    const date = localDate(timeMs);
    let day = this.days.get(date);
    if (day === undefined) {
      day = { date, results: noResults(), refused: 0, reportOnly: 0 };
      this.days.set(date, day);
    }
    this.#quarter = quarter;
    this.#day = day;
    return day;
  }
}

/** The local date, `2026-11-22`. */
function localDate(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${String(time.getFullYear()).padStart(4, "0")}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

function noResults(): Record<SpfResult, number> {
  return { pass: 0, fail: 0, softfail: 0, neutral: 0, none: 0, temperror: 0, permerror: 0 };
}

/** The published result that a message's sender has, or its HELO name where that ended the evaluation. */
function verdictOf({ verdict, heloVerdict }: LoggedMessage): SpfResult | undefined {
  return (verdict ?? heloVerdict)?.result;
}

/** The values with one more, unless it is among them or there are that many. */
function withValue(values: readonly string[], value: string, max: number): readonly string[] {
  if (values.at(-1) === value || values.length >= max || values.includes(value)) return values;
  return [...values, value];
}

function count(counts: number[], at: number): void {
  counts[at] = (counts[at] ?? 0) + 1;
}

function bucketOf(ms: number): number {
  const bucket = MS_BUCKETS.findIndex((bound) => ms <= bound);
  return bucket === -1 ? MS_BUCKETS.length : bucket;
}

/** Every action that is counted by message. */
export const COUNTED_ACTIONS = ACTIONS.filter((action) => action !== "header removed");
