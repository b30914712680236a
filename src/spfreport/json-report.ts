import type { Report } from "./report.ts";
import { COUNTED_ACTIONS } from "./tally.ts";

const VERSION = 1;

/** The report as one JSON object; its form is versioned (spfreport(1)). */
export function jsonReport(report: Report): string {
  const { lines, actions, whatIf } = report;
  const { read, events, other, unreadable } = lines;
  return `${JSON.stringify({
    version: VERSION,
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
