import { SPF_RESULTS, type SpfResult } from "spf-check";
import type { Report } from "./report.ts";
import { linesFirst, type Suggestion } from "./suggest.ts";
import { type TextLook, TextPage, type Tone, textOf, WIDTH, wrapped } from "./text-page.ts";
import {
  ADVICE,
  caveats,
  counted,
  duration,
  grouped,
  headline,
  noSuggestion,
  percent,
  shortDate,
  spanOf,
  withShare,
} from "./words.ts";

/** How much is printed. */
export interface TextOptions extends TextLook {
  /** What is wrong comes before the totals. */
  readonly problemsFirst: boolean;
}

/** More days than this are shown by month. */
const DAYS_MAX = 62;
const TONES: Readonly<Record<SpfResult, Tone>> = {
  pass: "good",
  none: "dim",
  neutral: "dim",
  softfail: "doubtful",
  fail: "bad",
  temperror: "broken",
  permerror: "broken",
};
/** In this order: what is well first, what is not known last. */
const ORDER: readonly SpfResult[] = ["pass", "none", "neutral", "softfail", "fail", "temperror", "permerror"];

/** The report in 80 columns. */
export function textReport(report: Report, options: TextOptions): string {
  return new TextReport(report, options).text();
}

/** The suggestions alone, as lines for smf-spf.conf with their evidence as comments. */
export function suggestionLines(report: Report): string {
  const { suggestions } = report;
  const notes = caveats(report).flatMap((note) => comment(note));
  if (suggestions.length === 0) return textOf([...comment(noSuggestion(report)), ...notes]);
  const blocks = linesFirst(suggestions).map((suggestion) => {
    const { evidence, count, days, risk, line } = suggestion;
    return [
      ...comment(`${evidence}: ${counted(count, "message")} on ${counted(days, "day")}.`),
      ...comment(line === undefined ? adviceOf(suggestion) : `Risk: ${risk}`),
      ...(line === undefined ? [] : [line]),
    ];
  });
  if (notes.length > 0) blocks.push(notes);
  return blocks.map(textOf).join("\n");
}

function comment(text: string): string[] {
  return wrapped(text, WIDTH - 2).map((line) => `# ${line}`);
}

/** What to do where no line of smf-spf.conf helps. */
export function adviceOf({ kind, value, domain, risk }: Suggestion): string {
  return kind === "include"
    ? `Include ${value} in the SPF record of ${domain ?? ""}. ${risk}`
    : `Tell postmaster@${value}: the owner has to correct the record.`;
}

class TextReport {
  readonly #report: Report;
  readonly #options: TextOptions;
  readonly #page: TextPage;

  constructor(report: Report, options: TextOptions) {
    this.#report = report;
    this.#options = options;
    this.#page = new TextPage(options);
  }

  text(): string {
    this.#head();
    if (this.#report.messages > 0) {
      this.#suggestions();
      const problems = [this.#yours, this.#domains, this.#clients, this.#forwarders, this.#errors];
      const totals = [this.#results, this.#days];
      const order = this.#options.problemsFirst ? [...problems, ...totals] : [...totals, ...problems];
      for (const section of [...order, this.#rules, this.#dns, this.#whatIf]) section.call(this);
    }
    this.#foot();
    return this.#page.text();
  }

  #head(): void {
    const span = spanOf(this.#report.days);
    this.#page.add(
      `${this.#page.paint("strong", "SPF report")}${span === "" ? "" : span.padStart(WIDTH - "SPF report".length)}`,
    );
    this.#page.add("");
    this.#page.addWrapped(headline(this.#report));
  }

  #suggestions(): void {
    const { suggestions, refusals } = this.#report;
    if (suggestions.length === 0) {
      if (refusals.count > 0) this.#page.addWrapped(noSuggestion(this.#report));
      return;
    }
    const hasLines = suggestions.some(({ line }) => line !== undefined);
    this.#page.title("What to do", hasLines ? ADVICE.suggestions : ADVICE.suggestionsForOthers);
    for (const suggestion of linesFirst(suggestions)) {
      const { line, count, days, evidence, risk } = suggestion;
      const figures = `${counted(count, "message")} on ${counted(days, "day")}`;
      const what =
        line ??
        (suggestion.kind === "include" ? `include:${suggestion.value}` : `postmaster@${suggestion.value}`);
      if (what.length + figures.length + 6 <= WIDTH) {
        this.#page.add(`  ${this.#page.paint("strong", what)}${figures.padStart(WIDTH - 2 - what.length)}`);
      } else {
        this.#page.addIndented(what, 2);
        this.#page.add(figures.padStart(WIDTH));
      }
      this.#page.addIndented(`${evidence}.`, 6);
      this.#page.addIndented(line === undefined ? adviceOf(suggestion) : risk, 6, "dim");
    }
  }

  #results(): void {
    const { results } = this.#report;
    const all = SPF_RESULTS.reduce((sum, result) => sum + results[result], 0);
    this.#page.title("Results", ADVICE.results);
    const most = Math.max(1, ...SPF_RESULTS.map((result) => results[result]));
    for (const result of ORDER) {
      const count = results[result];
      const bar = this.#page.bar(count / most, 44);
      this.#page.add(
        `  ${result.padEnd(10)}${grouped(count).padStart(11)}  ${percent(count, all).padStart(5)}  ${this.#page.paint(TONES[result], bar)}`.trimEnd(),
      );
    }
    const { actions } = this.#report;
    const done = Object.entries(actions).flatMap(([action, { done: carriedOut, reportOnly }]) => [
      ...(carriedOut > 0 ? [`${grouped(carriedOut)} ${action}`] : []),
      ...(reportOnly > 0 ? [`${grouped(reportOnly)} would be ${action}`] : []),
    ]);
    if (done.length > 0) {
      this.#page.add("");
      this.#page.addIndented(`Messages: ${done.join(", ")}.`, 2);
    }
  }

  #days(): void {
    const { days: single } = this.#report;
    if (single.length < 2) return;
    const isLong = single.length > DAYS_MAX;
    const days = isLong ? byMonth(single) : single;
    this.#page.title(isLong ? "Months" : "Days", ADVICE.days);
    const totals = days.map(({ results }) => SPF_RESULTS.reduce((sum, result) => sum + results[result], 0));
    const most = Math.max(1, ...totals);
    this.#page.add(
      this.#page.paint(
        "dim",
        `  ${"".padEnd(12)}${"results".padStart(10)}  ${"".padEnd(36)}${"refused".padStart(9)}${"would be".padStart(9)}`,
      ),
    );
    for (const [i, { date, refused, reportOnly }] of days.entries()) {
      const total = totals[i] ?? 0;
      const bar = this.#page.bar(total / most, 34);
      this.#page.add(
        `  ${(isLong ? date : shortDate(date)).padEnd(12)}${grouped(total).padStart(10)}  ${bar.padEnd(36)}${this.#page.count(refused, 9)}${this.#page.count(reportOnly, 9)}`.trimEnd(),
      );
    }
  }

  #domains(): void {
    const { domains, totals } = this.#report;
    this.#refusalTable(
      "Refused, by sender domain",
      ADVICE.domains,
      domains.map((row) => ({ ...row, name: row.domain, note: "" })),
      totals.domains,
    );
  }

  #clients(): void {
    const { clients, totals } = this.#report;
    this.#refusalTable(
      "Refused, by client",
      ADVICE.clients,
      clients.map((row) => ({ ...row, name: row.ip, note: row.ptr })),
      totals.clients,
    );
  }

  #yours(): void {
    const { yours, knowsOurs, refusals } = this.#report;
    if (!knowsOurs) {
      if (refusals.count > 0) this.#page.title("Yours", ADVICE.yoursUnknown);
      return;
    }
    const rows = [
      ...yours.domains.map((row) => ({ ...row, name: row.domain, note: "" })),
      ...yours.clients.map((row) => ({ ...row, name: row.ip, note: row.ptr })),
    ];
    if (rows.length === 0) this.#page.title("Yours", ADVICE.yoursNone);
    else this.#refusalTable("Yours", ADVICE.yours, rows, rows.length);
  }

  #refusalTable(
    title: string,
    advice: string,
    rows: readonly {
      readonly name: string;
      readonly note: string;
      readonly refused: number;
      readonly reportOnly: number;
    }[],
    total: number,
  ): void {
    if (rows.length === 0) return;
    this.#page.title(title, advice);
    this.#page.add(this.#page.paint("dim", `  ${"refused".padStart(9)}${"would be".padStart(10)}`));
    for (const { name, note, refused, reportOnly } of rows) {
      const figures = `  ${this.#page.count(refused, 9)}${this.#page.count(reportOnly, 10)}  `;
      const room = WIDTH - 23;
      const left = note === "" ? this.#page.cut(name, room) : this.#page.cut(name, 39).padEnd(17);
      this.#page.add(
        `${figures}${left}${note === "" ? "" : `  ${this.#page.cut(note, room - left.length - 2)}`}`.trimEnd(),
      );
    }
    this.#page.more(total - rows.length);
  }

  #forwarders(): void {
    const { forwarders } = this.#report;
    if (forwarders.length === 0) return;
    this.#page.title("Forwarders and lists", ADVICE.forwarders);
    this.#page.add(
      this.#page.paint("dim", `  ${"messages".padStart(9)}${"domains".padStart(9)}${"days".padStart(6)}`),
    );
    for (const { ip, ptr, count, domains, days, line } of forwarders) {
      const figures = `  ${grouped(count).padStart(9)}${grouped(domains).padStart(9)}${grouped(days).padStart(6)}  `;
      this.#page.add(`${figures}${this.#page.cut(`${ptr} [${ip}]`, WIDTH - 28)}`);
      if (line !== undefined) this.#page.add(`${"".padEnd(28)}${this.#page.cut(`-> ${line}`, WIDTH - 28)}`);
    }
  }

  #errors(): void {
    const { errors, totals } = this.#report;
    if (errors.length === 0) return;
    this.#page.title("Domains in error", ADVICE.errors);
    for (const { domain, result, count, problem } of errors) {
      this.#page.add(
        `  ${grouped(count).padStart(9)}  ${this.#page.paint("broken", result.padEnd(9))}  ${this.#page.cut(domain, WIDTH - 24)}`,
      );
      if (problem !== undefined) this.#page.addIndented(problem, 24);
    }
    this.#page.more(totals.errors - errors.length);
  }

  #rules(): void {
    const { rules, totals } = this.#report;
    if (rules.length === 0) return;
    this.#page.title("Rules", ADVICE.rules);
    for (const { rule, place, hits } of rules) {
      const where = place === undefined ? "" : `  ${place}`;
      const left = this.#page.cut(rule, where === "" ? WIDTH - 13 : 32).padEnd(32);
      this.#page.add(
        `  ${grouped(hits).padStart(9)}  ${left}${this.#page.paint("dim", this.#page.cut(where, WIDTH - 13 - left.length))}`.trimEnd(),
      );
    }
    this.#page.more(totals.rules - rules.length);
  }

  #dns(): void {
    const { dns, results } = this.#report;
    const all = dns.evaluated + dns.cached;
    if (all === 0) return;
    this.#page.title("DNS", results.temperror > 0 ? ADVICE.dns : ADVICE.dnsWell);
    const row = (name: string, value: string): void => {
      this.#page.add(`  ${name.padEnd(30)}${value}`);
    };
    row("evaluated", grouped(dns.evaluated));
    row("from memory", withShare(dns.cached, all));
    row("temperror", withShare(results.temperror, all));
    if (dns.lookups !== undefined) row("lookups of an evaluation", dns.lookups.toFixed(1));
    if (dns.ms !== undefined) {
      const { p50, p95, p99 } = dns.ms;
      row(
        "time of an evaluation",
        `half within ${duration(p50)}, 95 % ${duration(p95)}, 99 % ${duration(p99)}`,
      );
    }
  }

  #whatIf(): void {
    const { whatIf } = this.#report;
    if (whatIf === undefined) return;
    const { settings, was, refused, added, removed } = whatIf;
    this.#page.title(`What if ${settings.join(", ")}`, ADVICE.whatIf);
    this.#page.add(`  refused, or reported so ${grouped(was).padStart(10)}`);
    this.#page.add(
      `  with these settings     ${grouped(refused).padStart(10)}   ${grouped(added)} more, ${grouped(removed)} fewer`,
    );
  }

  #foot(): void {
    const { read, events } = this.#report.lines;
    this.#page.add("");
    this.#page.addWrapped(`${counted(read, "line")} read, ${grouped(events)} of them about messages.`, "dim");
    for (const note of caveats(this.#report)) this.#page.addWrapped(note, "dim");
  }
}

/** The days of each month as one, named by year and month. */
function byMonth(days: Report["days"]): Report["days"] {
  const months = new Map<string, Report["days"][number]>();
  for (const day of days) {
    const date = day.date.slice(0, 7);
    const sum = months.get(date);
    const results = { ...day.results };
    for (const result of SPF_RESULTS) results[result] += sum?.results[result] ?? 0;
    months.set(date, {
      date,
      results,
      refused: day.refused + (sum?.refused ?? 0),
      reportOnly: day.reportOnly + (sum?.reportOnly ?? 0),
    });
  }
  return [...months.values()];
}
