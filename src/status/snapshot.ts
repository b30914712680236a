import { SPF_RESULTS, type SpfResult } from "spf-check";
import { quantile } from "./counts.ts";
import type { DecisionRow, Series, StatusDocument } from "./document.ts";
import { actionLabel, type Figures, type Product, WAIT_SECONDS } from "./figures.ts";
import type { Tally } from "./tally.ts";
import { lineForClient, lineForDomain, lineForDomainInError, lineForForwarder, shownText } from "./texts.ts";

/** Rows of each list. */
const ROWS_MAX = 100;
/** A client that fails for this many domains is listed. */
const FORWARDER_DOMAINS_MIN = 3;
/** What the document may have at most, as JSON. */
const OCTETS_MAX = 1_000_000;

/** What is shown of the texts of outsiders. */
const NAME_MAX = 255;
const FROM_MAX = 320;

const HOUR = 60;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** The document of /status.json at this moment. */
export function statusDocument(
  { version, startedMs }: Product,
  figures: Figures,
  tally: Tally,
  nowMs: number,
): StatusDocument {
  return {
    version: 1,
    product: `smf-spf ${version}`,
    started: new Date(startedMs).toISOString(),
    now: new Date(nowMs).toISOString(),
    report_only: figures.reportOnly,
    problems: problemsOf(figures),
    nameservers: figures.nameservers.map((server) => ({
      address: placeOf(server),
      answer_ms: server.answerMs === undefined ? null : rounded(server.answerMs),
    })),
    shared_cache: sharedCache(figures),
    reload: { ok: figures.reload.ok, time: new Date(figures.reload.timeMs).toISOString() },
    results: results(tally),
    actions: tally
      .actions()
      .filter(({ count }) => count > 0)
      .map(({ action, rule, reportOnly, count }) => ({
        action: actionLabel(action),
        rule,
        report_only: reportOnly,
        total: count,
      })),
    waits: waits(tally, figures),
    top: top(tally, figures),
    series: {
      hour: series(tally, 1, 60),
      day: series(tally, 15, 96),
      week: series(tally, 60, 168),
    },
    decisions: decisions(tally),
  };
}

/** The document as JSON, with as many decisions as there is room for. */
export function statusJson(document: StatusDocument): string {
  let shown = document;
  for (;;) {
    const json = JSON.stringify(shown);
    if (Buffer.byteLength(json) <= OCTETS_MAX || shown.decisions.length === 0) return json;
    shown = { ...shown, decisions: shown.decisions.slice(0, Math.floor(shown.decisions.length * 0.8)) };
  }
}

function placeOf({ address, port }: Figures["nameservers"][number]): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What is wrong now, in words. */
function problemsOf(figures: Figures): string[] {
  const { reload, dnsProblem, nameservers, accepting, sharedCache, logLinesLost, connections, evaluations } =
    figures;
  const problems: string[] = [];
  if (!accepting) problems.push("the milter socket does not accept connections");
  if (dnsProblem !== undefined) problems.push(dnsProblem);
  for (const server of nameservers) {
    if (server.down) problems.push(`name server ${placeOf(server)} does not answer`);
  }
  if (!reload.ok) problems.push("the last reload failed: the old settings are in force, the log says why");
  if (sharedCache?.up === false) problems.push("the shared cache is out of use: the log says why");
  if (evaluations.waiting > 0) problems.push(`${evaluations.waiting} evaluations wait for their turn`);
  if (evaluations.turnedAway > 0) {
    problems.push(`evaluations turned away since the start: ${evaluations.turnedAway}`);
  }
  if (connections.refused > 0) {
    problems.push(`connections over MaxConnections since the start: ${connections.refused}`);
  }
  const lost = Object.values(logLinesLost).reduce((sum, count) => sum + count, 0);
  if (lost > 0) problems.push(`log lines lost since the start: ${lost}`);
  return problems;
}

function sharedCache({ sharedCache: shared }: Figures): StatusDocument["shared_cache"] {
  if (shared === undefined) return null;
  const { up, hits, misses, writes, errors } = shared;
  return { up, hits, misses, writes, errors: Object.values(errors).reduce((sum, count) => sum + count, 0) };
}

function results(tally: Tally): StatusDocument["results"] {
  const hour = tally.week.sums(HOUR);
  const day = tally.week.sums(DAY);
  const week = tally.week.sums(WEEK);
  const totals = new Map<SpfResult, number>();
  for (const { result, count } of tally.results()) totals.set(result, (totals.get(result) ?? 0) + count);
  return byResult((result, index) => ({
    total: totals.get(result) ?? 0,
    hour: hour[index] ?? 0,
    day: day[index] ?? 0,
    week: week[index] ?? 0,
  }));
}

function byResult<T>(value: (result: SpfResult, index: number) => T): Record<SpfResult, T> {
  return Object.fromEntries(SPF_RESULTS.map((result, index) => [result, value(result, index)])) as Record<
    SpfResult,
    T
  >;
}

function waits(tally: Tally, { dns }: Figures): StatusDocument["waits"] {
  const { waits: counts, fromMemory, results: all } = tally.lastHour();
  const milliseconds = (share: number): number | null => {
    const seconds = quantile(WAIT_SECONDS, counts, share);
    return seconds === undefined ? null : rounded(seconds * 1000);
  };
  return {
    p50_ms: milliseconds(0.5),
    p95_ms: milliseconds(0.95),
    p99_ms: milliseconds(0.99),
    from_memory: all === 0 ? null : Math.round((fromMemory / all) * 10_000) / 10_000,
    dns_timeouts: dns.timeouts,
  };
}

function top(tally: Tally, { refused }: Figures): StatusDocument["top"] {
  return {
    domains_refused: tally.domainsRefused.top(ROWS_MAX).map(({ key, count, trend }) => ({
      domain: shownText(key, NAME_MAX),
      count,
      line: lineForDomain(key),
      trend,
    })),
    clients_refused: tally.clientsRefused.top(ROWS_MAX).map(({ key, label, count, trend }) => ({
      ip: key,
      ptr: shownText(label, NAME_MAX),
      count,
      line: lineForClient(key),
      trend,
    })),
    domains_in_error: tally.domainsInError.top(ROWS_MAX).map(({ key, label, count, trend }) => ({
      domain: shownText(key, NAME_MAX),
      result: label.result,
      problem: shownText(label.problem),
      count,
      line: lineForDomainInError(key, label.result, refused),
      trend,
    })),
    rules: tally.rules
      .all()
      .slice(0, ROWS_MAX)
      .map(({ text, line, hits }) => ({ rule: text, line, hits })),
    forwarders: tally.forwarders
      .top(ROWS_MAX, FORWARDER_DOMAINS_MIN)
      .map(({ ip, ptr, domains, count, trend }) => ({
        ip,
        ptr: shownText(ptr, NAME_MAX),
        domains,
        count,
        line: lineForForwarder(ptr),
        trend,
      })),
  };
}

function series(tally: Tally, minutesPerGroup: number, groups: number): Series {
  const found = tally.week.groups(minutesPerGroup, groups);
  return {
    time: found.map(({ startMinute }) => startMinute * 60),
    results: byResult((_, index) => found.map(({ sums }) => sums[index] ?? 0)),
  };
}

function decisions(tally: Tally): DecisionRow[] {
  return tally.decisions.latest().map((decision) => ({
    time: new Date(decision.timeMs).toISOString(),
    result: decision.result,
    identity: decision.identity,
    source: decision.source,
    ip: decision.ip,
    ptr: shownText(decision.ptr, NAME_MAX),
    helo: shownText(decision.helo, NAME_MAX),
    from: shownText(decision.from, FROM_MAX),
    queue: decision.queue === undefined ? null : shownText(decision.queue, 64),
    action: decision.action === undefined ? null : actionLabel(decision.action),
    rule: decision.rule ?? null,
    report_only: decision.reportOnly,
  }));
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
