import { PERMERROR_PROBLEMS, SPF_RESULTS, type SpfResult, TEMPERROR_CAUSES } from "spf-check";
import {
  ACTIONS,
  type Action,
  type ActionEvent,
  type FilterEvent,
  type MailFacts,
  type ResultEvent,
} from "../filter/index.ts";
import { Histogram, MinuteRing } from "./counts.ts";
import { Decisions } from "./decisions.ts";
import {
  ACTION_RULES,
  type ConfiguredRule,
  IDENTITIES,
  NO_RULE,
  OTHER_RULE,
  SOURCES,
  WAIT_SECONDS,
} from "./figures.ts";
import { Forwarders, SpaceSaving } from "./space-saving.ts";
import { keptText } from "./texts.ts";

/** Keys that each list of the most frequent counts separately. */
const PLACES = 1000;
/** The columns of a sparkline, an hour each. */
const TREND_HOURS = 24;
const DECISIONS = 500;
const HOUR_MINUTES = 60;
const WEEK_MINUTES = 7 * 24 * HOUR_MINUTES;
const DOMAIN_MAX = 255;

/** What is wrong with a domain. */
export interface DomainError {
  readonly result: SpfResult;
  /** In words; octets of our own printing. */
  readonly problem: string;
}

/** Indices of the series in the ring of the last hour: the buckets of the waits come first. */
const FROM_MEMORY = WAIT_SECONDS.length + 1;
const ALL_RESULTS = FROM_MEMORY + 1;

/**
 * Counts what filters report: numbers in arrays made beforehand, lists of the most frequent and rings of fixed size.
 * Whatever mail comes, it takes no more memory than at the start, but for texts that are kept and cut.
 */
export class Tally {
  /** By result, identity and source, see {@link Tally.results}. */
  readonly #results = new Float64Array(SPF_RESULTS.length * IDENTITIES.length * SOURCES.length);
  /** Done and only reported, by action and rule. */
  readonly #actions = new Map<Action, Map<string, Float64Array>>();
  readonly #permerrors = new Float64Array(PERMERROR_PROBLEMS.length);
  readonly #temperrors = new Float64Array(TEMPERROR_CAUSES.length);
  readonly waits = new Histogram(WAIT_SECONDS);
  readonly lookups = new Histogram([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  readonly voids = new Histogram([0, 1, 2]);
  readonly decisions = new Decisions(DECISIONS);
  readonly rules = new RuleCounter();
  readonly domainsRefused = new SpaceSaving<true>(PLACES, TREND_HOURS);
  /** By address; the label is the host name. */
  readonly clientsRefused = new SpaceSaving<string>(PLACES, TREND_HOURS);
  readonly domainsInError = new SpaceSaving<DomainError>(PLACES, TREND_HOURS);
  readonly forwarders = new Forwarders(PLACES, TREND_HOURS);
  /** Results by minute. */
  readonly week: MinuteRing;
  readonly #hour: MinuteRing;
  readonly #nowMs: () => number;
  #trendHour: number;

  /** @param nowMs the time of day, in milliseconds since the epoch */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    const minute = Math.floor(nowMs() / 60_000);
    this.week = new MinuteRing(SPF_RESULTS.length, WEEK_MINUTES, minute);
    this.#hour = new MinuteRing(ALL_RESULTS + 1, HOUR_MINUTES, minute);
    this.#trendHour = Math.floor(minute / 60);
    for (const action of ACTIONS) {
      const rules = [...ACTION_RULES[action], NO_RULE, OTHER_RULE];
      this.#actions.set(action, new Map(rules.map((rule) => [rule, new Float64Array(2)])));
    }
  }

  /** Must be called about once a minute, and before anything is read. */
  advance(): void {
    const minute = Math.floor(this.#nowMs() / 60_000);
    this.week.advance(minute);
    this.#hour.advance(minute);
    const hours = Math.floor(minute / 60) - this.#trendHour;
    if (hours <= 0) return;
    this.#trendHour += hours;
    for (const list of [this.domainsRefused, this.clientsRefused, this.domainsInError, this.forwarders]) {
      list.advance(hours);
    }
  }

  add(event: FilterEvent): void {
    if (event.event === "result") this.#addResult(event);
    else this.#addAction(event);
  }

  /** How long the MTA had to wait, in milliseconds, for all results of a message. */
  waited(elapsedMs: number): void {
    this.#hour.add(this.waits.observe(elapsedMs / 1000));
  }

  #addResult(event: ResultEvent): void {
    const result = SPF_RESULTS.indexOf(event.result);
    bump(this.#results, indexOf(result, event.identity, event.source));
    this.week.add(result);
    this.#hour.add(ALL_RESULTS);
    if (event.source === "cache") this.#hour.add(FROM_MEMORY);
    if (event.source === "dns" || event.source === "shared") {
      this.lookups.observe(event.lookups);
      this.voids.observe(event.voids);
    }
    if (event.result === "permerror") bump(this.#permerrors, placeIn(PERMERROR_PROBLEMS, event.failure));
    if (event.result === "temperror") bump(this.#temperrors, placeIn(TEMPERROR_CAUSES, event.failure));
    if (event.result === "permerror" || event.result === "temperror") this.#addError(event);
    if (event.result === "fail") this.#addForwarder(event);
    this.decisions.add(event, this.#nowMs());
  }

  #addError(event: ResultEvent): void {
    const { result, problem = "" } = event;
    const slot = this.domainsInError.add(domainOf(event), (key) => ({
      key: keptText(key, DOMAIN_MAX),
      label: { result, problem: keptText(problem) },
    }));
    const label = this.domainsInError.label(slot);
    if (label?.result === result && (label.problem === problem || problem.startsWith(label.problem))) return;
    this.domainsInError.relabel(slot, { result, problem: keptText(problem) });
  }

  #addForwarder(event: ResultEvent): void {
    if (event.identity !== "mailfrom" || !isName(event.ptr)) return;
    this.forwarders.add(event.ip, domainOf(event), (key) => ({
      key: keptText(key),
      label: keptText(event.ptr),
    }));
  }

  #addAction(event: ActionEvent): void {
    const rules = this.#actions.get(event.action);
    const counts = rules?.get(event.rule ?? NO_RULE) ?? rules?.get(OTHER_RULE);
    if (counts !== undefined) bump(counts, event.reportOnly ? 1 : 0);
    this.decisions.act(event);
    this.rules.add(event);
    if (event.action !== "refused") return;
    this.domainsRefused.add(domainOf(event), (key) => ({ key: keptText(key, DOMAIN_MAX), label: true }));
    if (event.ip === "") return;
    this.clientsRefused.add(event.ip, (key) => ({ key: keptText(key), label: keptText(event.ptr) }));
  }

  /** Every combination of labels with its count. */
  results(): { result: SpfResult; identity: string; source: string; count: number }[] {
    return SPF_RESULTS.flatMap((result, index) =>
      IDENTITIES.flatMap((identity) =>
        SOURCES.map((source) => ({
          result,
          identity,
          source,
          count: this.#results[indexOf(index, identity, source)] ?? 0,
        })),
      ),
    );
  }

  /** Every action that there may be with its counts. */
  actions(): { action: Action; rule: string; reportOnly: boolean; count: number }[] {
    return ACTIONS.flatMap((action) =>
      [...(this.#actions.get(action) ?? [])].flatMap(([rule, counts]) =>
        [false, true].map((reportOnly) => ({
          action,
          rule,
          reportOnly,
          count: counts[reportOnly ? 1 : 0] ?? 0,
        })),
      ),
    );
  }

  permerrors(): { problem: string; count: number }[] {
    return PERMERROR_PROBLEMS.map((problem, index) => ({ problem, count: this.#permerrors[index] ?? 0 }));
  }

  temperrors(): { cause: string; count: number }[] {
    return TEMPERROR_CAUSES.map((cause, index) => ({ cause, count: this.#temperrors[index] ?? 0 }));
  }

  /** How long mail waited in the last hour: counts by bucket, and what of all results came from memory. */
  lastHour(): { waits: number[]; fromMemory: number; results: number } {
    const sums = this.#hour.sums(HOUR_MINUTES);
    return {
      waits: sums.slice(0, FROM_MEMORY),
      fromMemory: sums[FROM_MEMORY] ?? 0,
      results: sums[ALL_RESULTS] ?? 0,
    };
  }
}

function indexOf(result: number, identity: string, source: string): number {
  const who = identity === "helo" ? 1 : 0;
  return (
    (result * IDENTITIES.length + who) * SOURCES.length +
    Math.max(0, (SOURCES as readonly string[]).indexOf(source))
  );
}

/** The place of a word in a closed set, that of `other` where it is not in it. */
function placeIn(set: readonly string[], word: string | undefined): number {
  const index = word === undefined ? -1 : set.indexOf(word);
  return index === -1 ? set.length - 1 : index;
}

function bump(counts: Float64Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

/** The domain that answers for a message: the sender's, or that of the HELO name. */
function domainOf({ from, helo, ...event }: MailFacts & { readonly identity?: string }): string {
  const domain = event.identity === "helo" || from === "" ? helo : from.slice(from.lastIndexOf("@") + 1);
  return domain.slice(0, DOMAIN_MAX).toLowerCase();
}

/** Whether the MTA has verified a name; else it gives `[192.0.2.9]` or `unknown`. */
function isName(ptr: string): boolean {
  return /^[\w-]+(?:\.[\w-]+)+\.?$/.test(ptr) && !/^[\d.]+$/.test(ptr);
}

/** Lines that are counted; a longer file has no more series. */
const LINES_MAX = 500;

/** A line of the configuration and how often it has decided. */
interface RuleHits extends ConfiguredRule {
  readonly hits: number;
}

/** Counts by the lines of smf-spf.conf that something was done by. */
class RuleCounter {
  #lines = new Map<string, { readonly rule: ConfiguredRule; hits: number }>();

  /** Puts the lines of new settings in force; those that are the same keep their counts. */
  setRules(rules: readonly ConfiguredRule[]): void {
    const before = this.#lines;
    this.#lines = new Map();
    for (const rule of rules) {
      if (this.#lines.size >= LINES_MAX) return;
      if (this.#lines.has(rule.line)) continue;
      const known = before.get(rule.line);
      const same = known?.rule.rule === rule.rule && known.rule.text === rule.text;
      this.#lines.set(rule.line, { rule, hits: same ? known.hits : 0 });
    }
  }

  add({ location }: ActionEvent): void {
    const line = location === undefined ? undefined : this.#lines.get(location);
    if (line !== undefined) line.hits++;
  }

  /** Most hits first, in the order of the file among equals. */
  all(): RuleHits[] {
    return [...this.#lines.values()]
      .map(({ rule, hits }) => ({ ...rule, hits }))
      .sort((a, b) => b.hits - a.hits);
  }
}
