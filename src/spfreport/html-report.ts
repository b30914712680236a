import { createHash } from "node:crypto";
import { SPF_RESULTS, type SpfResult } from "spf-check";
import {
  element,
  type Markup,
  refusedByDay,
  resultsByDay,
  STACKED,
  STYLE,
  shareBar,
  swatch,
  text,
} from "./html-parts.ts";
import type { Report } from "./report.ts";
import { linesFirst, type Suggestion } from "./suggest.ts";
import { adviceOf } from "./text-report.ts";
import {
  ADVICE,
  caveats,
  counted,
  duration,
  grouped,
  headline,
  noSuggestion,
  percent,
  spanOf,
  withShare,
} from "./words.ts";

/** How the page is made. */
export interface HtmlOptions {
  readonly version: string;
  /** What is wrong comes before the totals. */
  readonly problemsFirst: boolean;
}

/** The style is the only thing that is allowed, and by its sum: nothing is loaded, no script runs. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const NOTHING: readonly Markup[] = [];

/** The report as one HTML file, to be opened from an attachment or printed. */
export function htmlReport(report: Report, { version, problemsFirst }: HtmlOptions): string {
  const span = spanOf(report.days);
  const problems = [
    ...yours(report),
    ...refusals(
      "Refused, by sender domain",
      ADVICE.domains,
      "sender domain",
      domainRows(report.domains),
      report.totals.domains,
    ),
    ...refusals(
      "Refused, by client",
      ADVICE.clients,
      "client",
      clientRows(report.clients),
      report.totals.clients,
    ),
    ...forwarders(report),
    ...errors(report),
  ];
  const totals = [...results(report), ...days(report)];
  const sections =
    report.messages === 0
      ? NOTHING
      : [
          ...suggestions(report),
          ...(problemsFirst ? [...problems, ...totals] : [...totals, ...problems]),
          ...rules(report),
          ...dns(report),
          ...whatIf(report),
        ];
  const head = element(
    "head",
    {},
    element("meta", { charset: "utf-8" }),
    element("meta", { "http-equiv": "Content-Security-Policy", content: POLICY }),
    element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    element("meta", { name: "referrer", content: "no-referrer" }),
    element("title", {}, text(`SPF report ${span}`.trim())),
    { markup: `<style>${STYLE}</style>` },
  );
  const body = element(
    "body",
    {},
    element(
      "main",
      {},
      element(
        "header",
        {},
        element("h1", {}, text("SPF report")),
        element("p", { class: "span" }, text(span)),
        element("p", { class: "headline" }, text(headline(report))),
      ),
      ...sections,
      footer(report, version),
    ),
  );
  return `<!DOCTYPE html>\n${element("html", { lang: "en" }, head, body).markup}\n`;
}

function section(title: string, advice: string, ...content: readonly Markup[]): Markup {
  return element(
    "section",
    {},
    element("h2", {}, text(title)),
    element("p", { class: "advice" }, text(advice)),
    ...content,
  );
}

function suggestions(report: Report): Markup[] {
  const {
    suggestions: all,
    refusals: { count },
  } = report;
  if (all.length === 0) return count > 0 ? [section("What to do", noSuggestion(report))] : [];
  const lines = all.flatMap(({ line }) => line ?? []);
  const copy =
    lines.length > 1
      ? [element("h3", {}, text("All lines for smf-spf.conf")), element("pre", {}, text(lines.join("\n")))]
      : [];
  const advice = lines.length > 0 ? ADVICE.suggestions : ADVICE.suggestionsForOthers;
  return [
    section(
      "What to do",
      advice,
      element("ul", { class: "todo" }, ...linesFirst(all).map(suggestion)),
      ...copy,
    ),
  ];
}

function suggestion(one: Suggestion): Markup {
  const { kind, line, value, count, days: dayCount, evidence, risk } = one;
  const what = line ?? (kind === "include" ? `include:${value}` : `postmaster@${value}`);
  return element(
    "li",
    {},
    element(
      "div",
      { class: "what" },
      element("code", {}, text(what)),
      element("span", {}, text(`${counted(count, "message")} on ${counted(dayCount, "day")}`)),
    ),
    element("p", {}, text(`${evidence}.`)),
    element("p", { class: "risk" }, text(line === undefined ? adviceOf(one) : risk)),
  );
}

function results({ results: counts, actions }: Report): Markup[] {
  const all = SPF_RESULTS.reduce((sum, result) => sum + counts[result], 0);
  const most = Math.max(...SPF_RESULTS.map((result) => counts[result]));
  const rows = STACKED.map((result) => [
    cell("key", swatch(result), text(result)),
    figure(counts[result]),
    cell("n", text(percent(counts[result], all))),
    cell("bar", shareBar([{ name: result, count: counts[result] }], most)),
  ]);
  const done = Object.entries(actions).flatMap(([action, { done: carriedOut, reportOnly }]) => [
    ...(carriedOut > 0 ? [`${grouped(carriedOut)} ${action}`] : []),
    ...(reportOnly > 0 ? [`${grouped(reportOnly)} would be ${action}`] : []),
  ]);
  const said = done.length === 0 ? [] : [element("p", {}, text(`Messages: ${done.join(", ")}.`))];
  return [section("Results", ADVICE.results, table([], rows), ...said)];
}

function days({ days: rows, refusals: { count } }: Report): Markup[] {
  if (rows.length < 2) return [];
  const refused = count === 0 ? [] : [element("h3", {}, text("Refused, or would be")), refusedByDay(rows)];
  return [section("Days", ADVICE.days, resultsByDay(rows), ...refused)];
}

type RefusalRow = {
  readonly name: string;
  readonly note: string;
  readonly refused: number;
  readonly reportOnly: number;
};

function domainRows(rows: Report["domains"]): RefusalRow[] {
  return rows.map(({ domain, refused, reportOnly }) => ({ name: domain, note: "", refused, reportOnly }));
}

function clientRows(rows: Report["clients"]): RefusalRow[] {
  return rows.map(({ ip, ptr, refused, reportOnly }) => ({ name: ip, note: ptr, refused, reportOnly }));
}

function refusals(
  title: string,
  advice: string,
  what: string,
  rows: readonly RefusalRow[],
  total: number,
): Markup[] {
  if (rows.length === 0) return [];
  const most = Math.max(...rows.map(({ refused, reportOnly }) => refused + reportOnly));
  const written = rows.map(({ name, note, refused, reportOnly }) => [
    cell("", text(name), ...(note === "" ? [] : [text(" "), element("span", { class: "note" }, text(note))])),
    figure(refused),
    figure(reportOnly),
    cell(
      "bar",
      shareBar(
        [
          { name: "fail", count: refused },
          { name: "softfail", count: reportOnly },
        ],
        most,
      ),
    ),
  ]);
  return [
    section(title, advice, table([what, "refused", "would be", ""], written), ...more(total - rows.length)),
  ];
}

function yours({ yours: { domains, clients }, knowsOurs, refusals: { count } }: Report): Markup[] {
  if (!knowsOurs) return count > 0 ? [section("Yours", ADVICE.yoursUnknown)] : [];
  const rows = [...domainRows(domains), ...clientRows(clients)];
  if (rows.length === 0) return [section("Yours", ADVICE.yoursNone)];
  return refusals("Yours", ADVICE.yours, "domain or client", rows, rows.length);
}

function forwarders({ forwarders: rows }: Report): Markup[] {
  if (rows.length === 0) return [];
  const written = rows.map(({ ip, ptr, count, domains, days: dayCount, line }) => [
    cell("", text(ptr), text(" "), element("span", { class: "note" }, text(ip))),
    figure(count),
    figure(domains),
    figure(dayCount),
    cell("", text(line ?? "")),
  ]);
  return [
    section(
      "Forwarders and lists",
      ADVICE.forwarders,
      table(["client", "messages", "domains", "days", "line"], written),
    ),
  ];
}

function errors({ errors: rows, totals }: Report): Markup[] {
  if (rows.length === 0) return [];
  const written = rows.map(({ domain, result, count, problem }) => [
    cell("", text(domain)),
    cell("key", swatch(result), text(result)),
    figure(count),
    cell("", text(problem ?? "")),
  ]);
  return [
    section(
      "Domains in error",
      ADVICE.errors,
      table(["domain", "result", "messages", "what is wrong"], written),
      ...more(totals.errors - rows.length),
    ),
  ];
}

function rules({ rules: rows, totals }: Report): Markup[] {
  if (rows.length === 0) return [];
  const written = rows.map(({ rule, place, hits }) => [
    cell("", text(rule)),
    cell("", text(place ?? "")),
    figure(hits),
  ]);
  return [
    section(
      "Rules",
      ADVICE.rules,
      table(["rule", "where", "hits"], written),
      ...more(totals.rules - rows.length),
    ),
  ];
}

function dns({ dns: health, results: counts }: Report): Markup[] {
  const all = health.evaluated + health.cached;
  if (all === 0) return [];
  const row = (name: string, value: string): Markup[] => [cell("", text(name)), cell("", text(value))];
  const rows = [
    row("evaluated", grouped(health.evaluated)),
    row("from memory", withShare(health.cached, all)),
    row("temperror", withShare(counts.temperror, all)),
    ...(health.lookups === undefined ? [] : [row("lookups of an evaluation", health.lookups.toFixed(1))]),
    ...(health.ms === undefined
      ? []
      : [
          row(
            "time of an evaluation",
            `half within ${duration(health.ms.p50)}, 95 % ${duration(health.ms.p95)}, 99 % ${duration(health.ms.p99)}`,
          ),
        ]),
  ];
  return [section("DNS", counts.temperror > 0 ? ADVICE.dns : ADVICE.dnsWell, table([], rows))];
}

function whatIf({ whatIf: came }: Report): Markup[] {
  if (came === undefined) return [];
  const { settings, was, refused, added, removed } = came;
  const rows = [
    [cell("", text("as it was")), figure(was), cell("", text(""))],
    [
      cell("", text("with these settings")),
      figure(refused),
      cell("", text(`${grouped(added)} more, ${grouped(removed)} fewer`)),
    ],
  ];
  return [section(`What if ${settings.join(", ")}`, ADVICE.whatIf, table(["", "refused", ""], rows))];
}

function footer(report: Report, version: string): Markup {
  const { read, events } = report.lines;
  const notes = [
    `${counted(read, "line")} read, ${grouped(events)} of them about messages.`,
    ...caveats(report),
    `spfreport ${version}`,
  ];
  return element("footer", {}, ...notes.map((note) => element("p", {}, text(note))));
}

function more(rows: number): Markup[] {
  return rows > 0 ? [element("p", { class: "advice" }, text(`and ${grouped(rows)} more`))] : [];
}

/** The columns that the bar next to them shows, by the colour of their part. */
const COLOURS: Readonly<Record<string, SpfResult>> = { refused: "fail", "would be": "softfail" };
const NUMBERS = new Set(["refused", "would be", "messages", "domains", "days", "hits"]);

function table(heads: readonly string[], rows: readonly (readonly Markup[])[]): Markup {
  const head = heads.map((name) => {
    const colour = COLOURS[name];
    return element(
      "th",
      NUMBERS.has(name) ? { class: "n", scope: "col" } : { scope: "col" },
      ...(colour === undefined ? [] : [swatch(colour)]),
      text(name),
    );
  });
  const body = rows.map((cells) => element("tr", {}, ...cells));
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      {},
      ...(head.length === 0 ? [] : [element("thead", {}, element("tr", {}, ...head))]),
      element("tbody", {}, ...body),
    ),
  );
}

function cell(kind: string, ...content: readonly Markup[]): Markup {
  return element("td", kind === "" ? {} : { class: kind }, ...content);
}

function figure(count: number): Markup {
  return cell("n", text(grouped(count)));
}
