/** The report for programs: as JSON, and as CSV. */
import { SPF_RESULTS } from "spf-check";
import type { Report } from "./report.ts";
import { COUNTED_ACTIONS } from "./tally.ts";

const JSON_VERSION = 1;

/** The report as one JSON object; its form is versioned (spfreport(1)). */
export function jsonReport(report: Report): string {
  const { lines, actions, whatIf } = report;
  const { read, events, other, unreadable } = lines;
  return `${JSON.stringify({
    version: JSON_VERSION,
    lines: { read, events, other, unreadable },
    messages: report.messages,
    results: report.results,
    actions: Object.fromEntries(
      COUNTED_ACTIONS.map((action) => {
        const { done, reportOnly } = actions[action];
        return [action, { done, report_only: reportOnly }];
      }),
    ),
    days: report.days.map(({ date, results, refused, reportOnly }) => ({
      date,
      results,
      refused,
      report_only: reportOnly,
    })),
    domains: report.domains.map(domainJson),
    clients: report.clients.map(clientJson),
    yours: {
      domains: report.yours.domains.map(domainJson),
      clients: report.yours.clients.map(clientJson),
    },
    errors: report.errors.map(({ domain, result, count, problem }) => ({
      domain,
      result,
      count,
      problem: problem ?? null,
    })),
    rules: report.rules.map(({ rule, hits }) => ({ rule, hits })),
    suggestions: report.suggestions.map(({ kind, value, line, domain, count, days, risk }) => ({
      kind,
      value,
      line: line ?? null,
      domain: domain ?? null,
      count,
      days,
      risk,
    })),
    what_if: whatIf ?? null,
  })}\n`;
}

function domainJson({ domain, refused, reportOnly }: Report["domains"][number]) {
  return { domain, refused, report_only: reportOnly };
}

function clientJson({ ip, ptr, refused, reportOnly }: Report["clients"][number]) {
  return { ip, ptr, refused, report_only: reportOnly };
}

type Cell = string | number;

/** The report as one table of `section,name,detail,measure,value`, a figure a row (RFC 4180). */
export function csvReport(report: Report): string {
  const { lines, actions, whatIf } = report;
  const rows: Cell[][] = [["section", "name", "detail", "measure", "value"]];
  const add = (section: string, name: Cell, detail: Cell, figures: Readonly<Record<string, Cell>>): void => {
    for (const [measure, value] of Object.entries(figures))
      rows.push([section, name, detail, measure, value]);
  };
  const { read, events, other, unreadable } = lines;
  add("lines", "", "", { read, events, other, unreadable });
  add("messages", "", "", { count: report.messages });
  for (const result of SPF_RESULTS) add("results", result, "", { count: report.results[result] });
  for (const action of COUNTED_ACTIONS) {
    add("actions", action, "", { done: actions[action].done, report_only: actions[action].reportOnly });
  }
  for (const { date, results, refused, reportOnly } of report.days) {
    add("days", date, "", { ...results, refused, report_only: reportOnly });
  }
  for (const { domain, refused, reportOnly } of report.domains) {
    add("domains", domain, "", { refused, report_only: reportOnly });
  }
  for (const { ip, ptr, refused, reportOnly } of report.clients) {
    add("clients", ip, ptr, { refused, report_only: reportOnly });
  }
  for (const { domain, refused, reportOnly } of report.yours.domains) {
    add("your domains", domain, "", { refused, report_only: reportOnly });
  }
  for (const { ip, ptr, refused, reportOnly } of report.yours.clients) {
    add("your clients", ip, ptr, { refused, report_only: reportOnly });
  }
  for (const { domain, result, count, problem } of report.errors) {
    add("errors", domain, problem ?? "", { [result]: count });
  }
  for (const { rule, place, hits } of report.rules) add("rules", rule, place ?? "", { hits });
  for (const { kind, value, domain, count, days } of report.suggestions) {
    add("suggestions", `${kind} ${value}`, domain ?? "", { count, days });
  }
  if (whatIf !== undefined) {
    const { settings, was, refused, added, removed } = whatIf;
    add("what if", settings.join(" "), "", { was, refused, added, removed });
  }
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** A cell that no spreadsheet takes for a formula, whatever its text. */
function cell(value: Cell): string {
  if (typeof value === "number") return String(value);
  const text = /^[\s=+\-@|%]/.test(value) ? `'${value}` : value;
  return /[",\r\n';]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
