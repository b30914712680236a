import { SPF_RESULTS } from "spf-check";
import type { Report } from "./report.ts";
import { COUNTED_ACTIONS } from "./tally.ts";

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
