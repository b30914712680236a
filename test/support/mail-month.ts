/** A month of mail as smf-spf logs it, in any form, made from a seed, with the truth about it. */
import { SPF_RESULTS, type SpfResult } from "spf-check";
import type { ActionEvent, FilterEvent, ResultEvent } from "../../src/filter/index.ts";
import { eventLines, JsonLines } from "../../src/logging/event-line.ts";
import type { Zone } from "./nameserver/index.ts";

export const FORMS = ["classic", "2.5", "detailed", "json", "C 2.0.2", "C 2.5"] as const;
export type Form = (typeof FORMS)[number];

export interface Refusals {
  refused: number;
  report_only: number;
}

export interface SuggestionTruth {
  readonly kind: string;
  readonly value: string;
  readonly line: string | null;
  readonly domain: string | null;
  count: number;
  days: number;
}

/** What a report of the month has to say. */
export interface Truth {
  readonly lines: { read: number; events: number; other: number; unreadable: number };
  messages: number;
  readonly results: Record<SpfResult, number>;
  readonly actions: Record<string, { done: number; report_only: number }>;
  readonly days: Map<string, Refusals & { readonly results: Record<SpfResult, number> }>;
  readonly domains: Map<string, Refusals>;
  readonly clients: Map<string, Refusals>;
  readonly errors: Map<string, number>;
  readonly rules: Map<string, number>;
  readonly suggestions: SuggestionTruth[];
  /** Messages that RefuseSoftFail on would refuse besides. */
  softfails: number;
}

export interface Month {
  readonly lines: readonly string[];
  readonly truth: Truth;
}

/** How a month is made. */
export interface MonthOptions {
  readonly form: Form;
  /** RFC 3164 in local time, or RFC 3339; json lines have their own time. */
  readonly head?: "rfc3164" | "rfc3339";
  readonly seed?: number;
  /** The first day. */
  readonly start?: Date;
  /** Ordinary messages of each day. */
  readonly perDay?: number;
}

/** What the DNS of that month says of the names in it. */
export const MONTH_ZONE: Zone = {
  "alumni.example": [{ TXT: "v=spf1 ip4:198.51.100.64/28 -all" }],
  "newsletter.example": [{ TXT: "v=spf1 include:_spf.newsletter.example -all" }],
  "_spf.newsletter.example": [{ TXT: "v=spf1 ip4:203.0.113.40 -all" }],
  "everybody.example": [{ TXT: "v=spf1 +all" }],
  "named.example": [{ TXT: "v=spf1 ptr -all" }],
  "host.named.example": [{ A: "198.51.100.92" }],
  "92.100.51.198.in-addr.arpa": [{ PTR: "host.named.example" }],
  "wide.example": [{ TXT: "v=spf1 ip4:198.0.0.0/8 -all" }],
  "honest.example": [{ TXT: "v=spf1 ip4:192.0.2.1 -all" }],
  "oneday.example": [{ TXT: "v=spf1 ip4:198.51.100.95 -all" }],
  "twodomains.example": [{ TXT: "v=spf1 ip4:198.51.100.96 -all" }],
  "known.example": [{ TXT: "v=spf1 ip4:198.51.100.97 -all" }],
  "claimed.example": [{ TXT: "v=spf1 ip4:198.51.100.99 -all" }],
  "silent.example": ["TIMEOUT"],
};

/** What the operator says of himself. */
export const MONTH_LOCAL = ["--local", "203.0.113.0/28", "--local", "rig.test"] as const;

interface Sender {
  readonly ip: string;
  readonly ptr: string;
  readonly helo: string;
  readonly from: string;
}

const unnamed = (ip: string): string => `[${ip}]`;

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const DAYS = 30;
/** ReportOnly is on before this day. */
const ENFORCED_FROM = 15;

export function mailMonth(options: MonthOptions): Month {
  return new MonthMaker(options).make();
}

class MonthMaker {
  readonly #form: Form;
  readonly #head: "rfc3164" | "rfc3339";
  readonly #random: () => number;
  readonly #start: Date;
  readonly #perDay: number;
  readonly #lines: string[] = [];
  readonly #truth: Truth;
  #now = new Date(0);
  readonly #json = new JsonLines(() => this.#now);
  #day = 0;
  #queue = 0;

  constructor({
    form,
    head = "rfc3164",
    seed = 1,
    start = new Date(2026, 9, 20),
    perDay = 40,
  }: MonthOptions) {
    this.#form = form;
    this.#head = head;
    this.#random = randomNumbers(seed);
    this.#start = start;
    this.#perDay = perDay;
    this.#truth = {
      lines: { read: 0, events: 0, other: 0, unreadable: 0 },
      messages: 0,
      results: noResults(),
      actions: Object.fromEntries(
        ["refused", "tagged", "quarantined", "held", "skipped", "spared"].map((action) => [
          action,
          { done: 0, report_only: 0 },
        ]),
      ),
      days: new Map(),
      domains: new Map(),
      clients: new Map(),
      errors: new Map(),
      rules: new Map(),
      suggestions: [],
      softfails: 0,
    };
  }

  make(): Month {
    const alumni = this.#suggestion("TrustedForwarder", "alumni.example", "alumni.example");
    const list = this.#suggestion("WhitelistPTR", "lists.club.example", "lists.club.example");
    const relay = this.#suggestion("TrustedRelay", "203.0.113.8", null);
    const printer = this.#suggestion("WhitelistIP", "203.0.113.9", null);
    const service = this.#suggestion("include", "newsletter.example", "rig.test");
    const broken = this.#suggestion("postmaster", "broken.example", "broken.example");
    for (this.#day = 0; this.#day < DAYS; this.#day++) {
      this.#now = new Date(
        this.#start.getFullYear(),
        this.#start.getMonth(),
        this.#start.getDate() + this.#day,
        1,
      );
      this.#ordinary();
      this.#noise();
      if (this.#day % 3 === 0) {
        for (let i = 0; i < 3; i++) this.#forwarded("198.51.100.77", "fwd.alumni.example", 25, alumni);
        this.#forwarded("198.51.100.78", "fwd2.alumni.example", 25, alumni);
      }
      if (this.#day % 10 === 4) this.#forwarded("198.51.100.80", "lists.club.example", 5, list);
      if (this.#day % 10 === 5) this.#forwarded("198.51.100.80", "lists.club.example", 5, list);
      if (this.#day % 10 === 6) this.#forwarded("198.51.100.80", "lists.club.example", 5, list);
      this.#relayed(relay);
      if (this.#day % 7 === 1) {
        this.#refused(this.#own("203.0.113.9", "printer.rig.test", "scan@rig.test"), printer);
      }
      if (this.#day % 4 === 2) {
        this.#refused(this.#own("203.0.113.40", "mta-12.newsletter.example", "news@rig.test"), service);
      }
      this.#forgeries();
      this.#attackers();
      if (this.#day % 5 === 0) this.#inError(broken);
    }
    this.#truth.lines.read = this.#lines.length;
    const { suggestions } = this.#truth;
    for (const [at, days] of this.#suggestionDays.entries()) {
      const suggestion = suggestions[at];
      if (suggestion !== undefined) suggestion.days = days.size;
    }
    return { lines: this.#lines, truth: this.#truth };
  }

  readonly #suggestionDays: Set<number>[] = [];

  #suggestion(kind: string, value: string, domain: string | null): SuggestionTruth {
    const line = kind === "include" || kind === "postmaster" ? null : `${kind} ${value}`;
    const suggestion = { kind, value, line, domain, count: 0, days: 0 };
    this.#truth.suggestions.push(suggestion);
    this.#suggestionDays.push(new Set());
    return suggestion;
  }

  #counts(suggestion: SuggestionTruth | undefined): void {
    if (suggestion === undefined) return;
    suggestion.count++;
    this.#suggestionDays[this.#truth.suggestions.indexOf(suggestion)]?.add(this.#day);
  }

  get #isC(): boolean {
    return this.#form.startsWith("C ");
  }

  get #reportOnly(): boolean {
    return this.#day < ENFORCED_FROM;
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  #own(ip: string, ptr: string, from: string): Sender {
    return { ip, ptr, helo: ptr, from };
  }

  /** Mail that nothing is wrong with, and softfails, which are tagged. */
  #ordinary(): void {
    for (let i = 0; i < this.#perDay; i++) {
      const n = this.#below(40);
      const sender = {
        ip: `192.0.2.${n + 1}`,
        ptr: `mail.site${n}.example`,
        helo: `mail.site${n}.example`,
        from: this.#below(10) === 0 ? "" : `user${this.#below(9)}@site${n}.example`,
      };
      const dice = this.#below(100);
      this.#truth.messages++;
      if (dice < 70) this.#result(sender, "pass", this.#below(3) === 0);
      else if (dice < 85) this.#result(sender, "none");
      else if (dice < 90) this.#result(sender, "neutral");
      else if (dice < 93) this.#skipped(sender);
      else if (dice < 94) this.#temperror();
      else this.#softfail({ ...sender, from: `user@site${n}.example` });
    }
  }

  #skipped(sender: Sender): void {
    if (this.#isC) {
      // The C programs say nothing of it.
      this.#truth.messages--;
      return;
    }
    this.#act(sender, "skipped", "WhitelistIP 10.0.0.0/8", false, { queue: true });
    this.#rule("WhitelistIP 10.0.0.0/8");
  }

  #softfail(sender: Sender): void {
    this.#result(sender, "softfail");
    this.#truth.softfails++;
    if (this.#isC) return;
    this.#act(sender, "tagged", "SPF softfail", this.#reportOnly, { queue: true });
    this.#rule("TagSubject");
  }

  #temperror(): void {
    const sender = {
      ip: "192.0.2.99",
      ptr: unnamed("192.0.2.99"),
      helo: "slow.example",
      from: "a@slow.example",
    };
    this.#result(sender, "temperror");
    add(this.#truth.errors, "temperror slow.example");
  }

  #inError(suggestion: SuggestionTruth): void {
    this.#truth.messages++;
    const sender = {
      ip: "192.0.2.98",
      ptr: unnamed("192.0.2.98"),
      helo: "broken.example",
      from: "b@broken.example",
    };
    this.#result(sender, "permerror");
    add(this.#truth.errors, "permerror broken.example");
    this.#counts(suggestion);
  }

  #forwarded(ip: string, ptr: string, domains: number, suggestion: SuggestionTruth): void {
    this.#refused({ ip, ptr, helo: ptr, from: `friend@sender${this.#below(domains)}.example` }, suggestion);
  }

  #relayed(suggestion: SuggestionTruth): void {
    const n = this.#below(25);
    const relay = { ip: "203.0.113.8", ptr: "mx2.rig.test", helo: "mx2.rig.test", from: `x@far${n}.example` };
    if (this.#day % 6 === 0) {
      this.#truth.messages++;
      this.#softfail(relay);
      if (!this.#isC) this.#counts(suggestion);
    } else {
      this.#refused(relay, suggestion);
    }
  }

  #forgeries(): void {
    for (let i = 0; i < 4; i++) {
      const ip = `198.18.${this.#day}.${i + 1}`;
      this.#refused({ ip, ptr: unnamed(ip), helo: "bank.example", from: `boss@bank.example` });
    }
  }

  /** Clients that would like to be taken for forwarders. */
  #attackers(): void {
    const from = (name: string): string => `victim@${name}${this.#below(9)}.example`;
    const attack = (ip: string, ptr: string, sender: string, helo = ptr): void => {
      this.#refused({ ip, ptr, helo, from: sender });
    };
    if (this.#day % 2 === 0) {
      attack("198.51.100.91", "mx.everybody.example", from("every"));
      attack("198.51.100.92", "host.named.example", from("named"));
      attack("198.51.100.93", "mx.wide.example", from("wide"));
      attack("198.51.100.94", "mx.honest.example", from("honest"));
      attack("198.51.100.96", "mx.twodomains.example", `victim@two${this.#day % 4}.example`);
      attack("198.51.100.98", "mx.silent.example", from("silent"));
      // No verified name, though HELO claims one that passes.
      attack("198.51.100.99", unnamed("198.51.100.99"), from("unnamed"), "claimed.example");
    }
    if (this.#day === 20) {
      for (let i = 0; i < 12; i++) attack("198.51.100.95", "mx.oneday.example", `victim@day${i}.example`);
    }
  }

  /** A message that fails: refused, or reported so. */
  #refused(sender: Sender, suggestion?: SuggestionTruth): void {
    this.#truth.messages++;
    this.#counts(suggestion);
    this.#result(sender, "fail");
    const reported = this.#isC || this.#reportOnly;
    const key = reported ? "report_only" : "refused";
    const domain = sender.from.slice(sender.from.indexOf("@") + 1);
    bump(this.#truth.domains, domain)[key]++;
    bump(this.#truth.clients, sender.ip)[key]++;
    this.#today()[key]++;
    if (this.#isC) {
      count(this.#truth.actions, "refused").report_only++;
      return;
    }
    this.#rule("RefuseFail");
    // At the end of the message where it is only told; for each recipient where a policy asks for it.
    if (reported) this.#act(sender, "refused", "SPF fail", true, { queue: true, to: ["<you@rig.test>"] });
    else if (this.#below(3) > 0) this.#act(sender, "refused", "SPF fail", false, {});
    else {
      this.#act(sender, "refused", "SPF fail", false, { to: ["<you@rig.test>"] });
      this.#act(sender, "refused", "SPF fail", false, { to: ["<me@rig.test>"] }, false);
    }
  }

  #rule(rule: string): void {
    add(this.#truth.rules, rule);
  }

  #today(): Refusals & { readonly results: Record<SpfResult, number> } {
    const two = (n: number): string => String(n).padStart(2, "0");
    const date = `${this.#now.getFullYear()}-${two(this.#now.getMonth() + 1)}-${two(this.#now.getDate())}`;
    let day = this.#truth.days.get(date);
    if (day === undefined) {
      day = { results: noResults(), refused: 0, report_only: 0 };
      this.#truth.days.set(date, day);
    }
    return day;
  }

  #result(sender: Sender, result: SpfResult, cached = false): void {
    this.#truth.results[result]++;
    this.#today().results[result]++;
    const event: ResultEvent = {
      event: "result",
      queueId: undefined,
      ...sender,
      result,
      cached,
      identity: sender.from === "" ? "helo" : "mailfrom",
      mechanism: result === "pass" ? "ip4:192.0.2.0/24" : undefined,
      problem:
        result === "permerror" ? "two SPF records" : result === "temperror" ? "DNS timeout" : undefined,
      lookups: 1 + this.#below(4),
      voids: 0,
      elapsedMs: this.#below(60),
      local: undefined,
      guess: undefined,
      source: cached ? "cache" : "dns",
      failure: undefined,
    };
    if (this.#isC) this.#say(cLine(this.#form, event));
    else this.#tell(event);
  }

  #act(
    sender: Sender,
    action: ActionEvent["action"],
    reason: string,
    reportOnly: boolean,
    { queue = false, to = [] }: { readonly queue?: boolean; readonly to?: readonly string[] },
    isFirst = true,
  ): void {
    if (isFirst) count(this.#truth.actions, action)[reportOnly ? "report_only" : "done"]++;
    const reply = action === "refused" ? "550 5.7.23 SPF fail: it does not permit it" : undefined;
    this.#tell({
      event: "action",
      queueId: queue ? `Q${this.#queue++}` : undefined,
      ...sender,
      action,
      reason,
      rule: action === "refused" ? "RefuseFail" : action === "tagged" ? "TagSubject" : "WhitelistIP",
      location: "/etc/mail/smfs/smf-spf.conf:9",
      recipients: to,
      reply,
      dkim: undefined,
      reportOnly,
    });
  }

  #tell(event: FilterEvent): void {
    this.#now = new Date(this.#now.getTime() + 1000 * (1 + this.#below(20)));
    this.#truth.lines.events++;
    if (this.#form === "json") this.#lines.push(...this.#json.events(event));
    else {
      const form = this.#form as "classic" | "2.5" | "detailed";
      for (const line of eventLines(event, form)) this.#lines.push(this.#headed("smf-spf[812]", line));
    }
  }

  #say(line: string): void {
    this.#now = new Date(this.#now.getTime() + 1000 * (1 + this.#below(20)));
    this.#truth.lines.events++;
    this.#lines.push(this.#headed("smf-spf[812]", line));
  }

  /** Other programs' lines, some of which would like to be ours, the daemon's own, and what nobody can read. */
  #noise(): void {
    const others = [
      this.#headed("postfix/smtpd[99]", "connect from unknown[192.0.2.66]"),
      this.#headed(
        "postfix/smtpd[99]",
        "smf-spf[812]: SPF fail: 192.0.2.66, x.example, x.example, a@b.example",
      ),
      this.#headed("smf-spf[812]", "reload: new settings in force"),
      "",
    ];
    const unreadable = ["\0\x01\x02", "SPF fail: 192.0.2.66, x.example, x.example, a@b.example"];
    this.#lines.push(...others, ...unreadable);
    this.#truth.lines.other += others.length;
    this.#truth.lines.unreadable += unreadable.length;
  }

  #headed(ident: string, text: string): string {
    return `${this.#head === "rfc3164" ? rfc3164(this.#now) : this.#now.toISOString()} mx ${ident}: ${text}`;
  }
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The time as syslog writes it, local and without a year. */
export function rfc3164(time: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  return `${MONTHS[time.getMonth()] ?? ""} ${String(time.getDate()).padStart(2)} ${clock}`;
}

/** A result as the C programs log it: the sender in its brackets, nothing escaped. */
function cLine(form: Form, { result, cached, ip, ptr, helo, from }: ResultEvent): string {
  const said = `SPF ${result}${cached ? " (cached)" : ""}: `;
  return form === "C 2.0.2"
    ? `${said}${ip}, ${ptr}, ${helo}, <${from}>`
    : `${said}ip=${ip}, fqdn=${ptr}, helo=${helo}, from=<${from}>`;
}

function noResults(): Record<SpfResult, number> {
  return Object.fromEntries(SPF_RESULTS.map((result) => [result, 0])) as Record<SpfResult, number>;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function bump(counts: Map<string, Refusals>, key: string): Refusals {
  let entry = counts.get(key);
  if (entry === undefined) {
    entry = { refused: 0, report_only: 0 };
    counts.set(key, entry);
  }
  return entry;
}

function count(actions: Truth["actions"], action: string): { done: number; report_only: number } {
  return (actions[action] ??= { done: 0, report_only: 0 });
}
