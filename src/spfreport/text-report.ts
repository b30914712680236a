import { SPF_RESULTS, type SpfResult } from "spf-check";
import type { Report } from "./report.ts";
import { linesFirst, type Suggestion } from "./suggest.ts";
import {
  ADVICE,
  caveats,
  counted,
  duration,
  grouped,
  headline,
  percent,
  shortDate,
  spanOf,
} from "./words.ts";

/** How a terminal shows the text. */
export interface TextLook {
  readonly colour: boolean;
  /** Whether bars may be drawn with more than ASCII. */
  readonly unicode: boolean;
}

/** How much is told. */
export interface TextOptions extends TextLook {
  /** What is wrong comes before the totals. */
  readonly problemsFirst: boolean;
}

const WIDTH = 80;
/** More days than this are shown by month. */
const DAYS_MAX = 62;
const SGR = { strong: "1", dim: "2", good: "32", bad: "31", doubtful: "33", broken: "35" } as const;
type Tone = keyof typeof SGR;

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
  if (suggestions.length === 0) return [...comment(ADVICE.suggestionsNone), ...notes].map(ended).join("");
  const blocks = linesFirst(suggestions).map((suggestion) => {
    const { evidence, count, days, risk, line } = suggestion;
    return [
      ...comment(`${evidence}: ${counted(count, "message")} on ${counted(days, "day")}.`),
      ...comment(line === undefined ? adviceOf(suggestion) : `Risk: ${risk}`),
      ...(line === undefined ? [] : [line]),
    ];
  });
  if (notes.length > 0) blocks.push(notes);
  return blocks.map((block) => block.map(ended).join("")).join("\n");
}

function comment(text: string): string[] {
  return wrapped(text, WIDTH - 2).map((line) => `# ${line}`);
}

function ended(line: string): string {
  return `${line}\n`;
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
  readonly #lines: string[] = [];

  constructor(report: Report, options: TextOptions) {
    this.#report = report;
    this.#options = options;
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
    return this.#lines.map(ended).join("");
  }

  #head(): void {
    const span = spanOf(this.#report.days);
    this.#add(`${this.#paint("strong", "SPF report")}${span.padStart(WIDTH - "SPF report".length)}`);
    this.#add("");
    this.#addWrapped(headline(this.#report));
  }

  #suggestions(): void {
    const { suggestions, refusals } = this.#report;
    if (suggestions.length === 0) {
      if (refusals.count > 0) this.#addWrapped(ADVICE.suggestionsNone);
      return;
    }
    const hasLines = suggestions.some(({ line }) => line !== undefined);
    this.#title("What to do", hasLines ? ADVICE.suggestions : ADVICE.suggestionsForOthers);
    for (const suggestion of linesFirst(suggestions)) {
      const { line, count, days, evidence, risk } = suggestion;
      const figures = `${counted(count, "message")} on ${counted(days, "day")}`;
      const what =
        line ??
        (suggestion.kind === "include" ? `include:${suggestion.value}` : `postmaster@${suggestion.value}`);
      if (what.length + figures.length + 6 <= WIDTH) {
        this.#add(`  ${this.#paint("strong", what)}${figures.padStart(WIDTH - 2 - what.length)}`);
      } else {
        this.#addIndented(what, 2);
        this.#add(figures.padStart(WIDTH));
      }
      this.#addIndented(`${evidence}.`, 6);
      this.#addIndented(line === undefined ? adviceOf(suggestion) : risk, 6, "dim");
    }
  }

  #results(): void {
    const { results } = this.#report;
    const all = SPF_RESULTS.reduce((sum, result) => sum + results[result], 0);
    this.#title("Results", ADVICE.results);
    const most = Math.max(1, ...SPF_RESULTS.map((result) => results[result]));
    for (const result of ORDER) {
      const count = results[result];
      const bar = this.#bar(count / most, 44);
      this.#add(
        `  ${result.padEnd(10)}${grouped(count).padStart(11)}  ${percent(count, all).padStart(5)}  ${this.#paint(TONES[result], bar)}`.trimEnd(),
      );
    }
    const { actions } = this.#report;
    const done = Object.entries(actions).flatMap(([action, { done: carriedOut, reportOnly }]) => [
      ...(carriedOut > 0 ? [`${grouped(carriedOut)} ${action}`] : []),
      ...(reportOnly > 0 ? [`${grouped(reportOnly)} would be ${action}`] : []),
    ]);
    if (done.length > 0) {
      this.#add("");
      this.#addIndented(`Messages: ${done.join(", ")}.`, 2);
    }
  }

  #days(): void {
    const { days: single } = this.#report;
    if (single.length < 2) return;
    const isLong = single.length > DAYS_MAX;
    const days = isLong ? byMonth(single) : single;
    this.#title(isLong ? "Months" : "Days", ADVICE.days);
    const totals = days.map(({ results }) => SPF_RESULTS.reduce((sum, result) => sum + results[result], 0));
    const most = Math.max(1, ...totals);
    this.#add(
      this.#paint(
        "dim",
        `  ${"".padEnd(12)}${"results".padStart(10)}  ${"".padEnd(36)}${"refused".padStart(9)}${"would be".padStart(9)}`,
      ),
    );
    for (const [i, { date, refused, reportOnly }] of days.entries()) {
      const total = totals[i] ?? 0;
      const bar = this.#bar(total / most, 34);
      this.#add(
        `  ${(isLong ? date : shortDate(date)).padEnd(12)}${grouped(total).padStart(10)}  ${bar.padEnd(36)}${this.#count(refused, 9)}${this.#count(reportOnly, 9)}`.trimEnd(),
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
      if (refusals.count > 0) this.#title("Yours", ADVICE.yoursUnknown);
      return;
    }
    const rows = [
      ...yours.domains.map((row) => ({ ...row, name: row.domain, note: "" })),
      ...yours.clients.map((row) => ({ ...row, name: row.ip, note: row.ptr })),
    ];
    if (rows.length === 0) this.#title("Yours", ADVICE.yoursNone);
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
    this.#title(title, advice);
    this.#add(this.#paint("dim", `  ${"refused".padStart(9)}${"would be".padStart(10)}`));
    for (const { name, note, refused, reportOnly } of rows) {
      const figures = `  ${this.#count(refused, 9)}${this.#count(reportOnly, 10)}  `;
      const room = WIDTH - 23;
      const left = note === "" ? this.#cut(name, room) : this.#cut(name, 39).padEnd(17);
      this.#add(
        `${figures}${left}${note === "" ? "" : `  ${this.#cut(note, room - left.length - 2)}`}`.trimEnd(),
      );
    }
    this.#more(total - rows.length);
  }

  #forwarders(): void {
    const { forwarders } = this.#report;
    if (forwarders.length === 0) return;
    this.#title("Forwarders and lists", ADVICE.forwarders);
    this.#add(this.#paint("dim", `  ${"messages".padStart(9)}${"domains".padStart(9)}${"days".padStart(6)}`));
    for (const { ip, ptr, count, domains, days, line } of forwarders) {
      const figures = `  ${grouped(count).padStart(9)}${grouped(domains).padStart(9)}${grouped(days).padStart(6)}  `;
      this.#add(`${figures}${this.#cut(`${ptr} [${ip}]`, WIDTH - 28)}`);
      if (line !== undefined) this.#add(`${"".padEnd(28)}${this.#cut(`-> ${line}`, WIDTH - 28)}`);
    }
  }

  #errors(): void {
    const { errors, totals } = this.#report;
    if (errors.length === 0) return;
    this.#title("Domains in error", ADVICE.errors);
    for (const { domain, result, count, problem } of errors) {
      this.#add(
        `  ${grouped(count).padStart(9)}  ${this.#paint("broken", result.padEnd(9))}  ${this.#cut(domain, WIDTH - 24)}`,
      );
      if (problem !== undefined) this.#addIndented(problem, 24);
    }
    this.#more(totals.errors - errors.length);
  }

  #rules(): void {
    const { rules, totals } = this.#report;
    if (rules.length === 0) return;
    this.#title("Rules", ADVICE.rules);
    for (const { rule, place, hits } of rules) {
      const where = place === undefined ? "" : `  ${place}`;
      const left = this.#cut(rule, where === "" ? WIDTH - 13 : 32).padEnd(32);
      this.#add(
        `  ${grouped(hits).padStart(9)}  ${left}${this.#paint("dim", this.#cut(where, WIDTH - 13 - left.length))}`.trimEnd(),
      );
    }
    this.#more(totals.rules - rules.length);
  }

  #dns(): void {
    const { dns, results } = this.#report;
    const all = dns.evaluated + dns.cached;
    if (all === 0) return;
    this.#title("DNS", results.temperror > 0 ? ADVICE.dns : ADVICE.dnsWell);
    const row = (name: string, value: string): void => {
      this.#add(`  ${name.padEnd(30)}${value}`);
    };
    row(
      "evaluated, from memory",
      `${grouped(dns.evaluated)}, ${grouped(dns.cached)} (${percent(dns.cached, all) || "0 %"})`,
    );
    row("temperror", `${grouped(results.temperror)} (${percent(results.temperror, all) || "0 %"})`);
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
    this.#title(`What if ${settings.join(", ")}`, ADVICE.whatIf);
    this.#add(`  refused, or reported so ${grouped(was).padStart(10)}`);
    this.#add(
      `  with these settings     ${grouped(refused).padStart(10)}   ${grouped(added)} more, ${grouped(removed)} fewer`,
    );
  }

  #foot(): void {
    const { read, events } = this.#report.lines;
    this.#add("");
    this.#addWrapped(`${counted(read, "line")} read, ${grouped(events)} of them about messages.`, "dim");
    for (const note of caveats(this.#report)) this.#addWrapped(note, "dim");
  }

  #title(title: string, advice: string): void {
    this.#add("");
    const lines = wrapped(title, WIDTH - 4);
    for (const line of lines.slice(0, -1)) this.#add(this.#paint("strong", line));
    const last = lines.at(-1) ?? "";
    const rule = (this.#options.unicode ? "─" : "-").repeat(WIDTH - last.length - 1);
    this.#add(`${this.#paint("strong", last)} ${this.#paint("dim", rule)}`);
    this.#addWrapped(advice, "dim");
  }

  #more(rows: number): void {
    if (rows > 0) this.#add(this.#paint("dim", `  ${"".padEnd(9)}  and ${grouped(rows)} more (--detail)`));
  }

  #count(count: number, width: number): string {
    return (count === 0 ? (this.#options.unicode ? "·" : ".") : grouped(count)).padStart(width);
  }

  /** A bar, drawn to an eighth of a column where that can be shown. */
  #bar(share: number, width: number): string {
    if (!(share > 0)) return "";
    if (!this.#options.unicode) return "#".repeat(Math.max(1, Math.round(share * width)));
    const eighths = Math.max(1, Math.round(share * width * 8));
    return "█".repeat(eighths >> 3) + (["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths & 7] ?? "");
  }

  /** A value cut on the left: the end of a name says whose it is. */
  #cut(text: string, width: number): string {
    if (text.length <= width) return text;
    const mark = this.#options.unicode ? "…" : "...";
    return mark + text.slice(text.length - width + mark.length);
  }

  #paint(tone: Tone, text: string): string {
    return this.#options.colour && text !== "" ? `\x1b[${SGR[tone]}m${text}\x1b[0m` : text;
  }

  #add(line: string): void {
    this.#lines.push(line);
  }

  #addWrapped(text: string, tone?: Tone): void {
    this.#addIndented(text, 0, tone);
  }

  #addIndented(text: string, indent: number, tone?: Tone): void {
    for (const line of wrapped(text, WIDTH - indent)) {
      this.#add("".padEnd(indent) + (tone === undefined ? line : this.#paint(tone, line)));
    }
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

/** The text in lines of at most `width`, broken at spaces; a longer word is cut. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (let word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length <= width) {
      line += ` ${word}`;
      continue;
    }
    if (line !== "") lines.push(line);
    while (word.length > width) {
      lines.push(word.slice(0, width));
      word = word.slice(width);
    }
    line = word;
  }
  return line === "" ? lines : [...lines, line];
}
