/** /status.json as text for a terminal: the state of the daemon, how long mail waited, and the most frequent. */
import type { StatusDocument } from "./document.ts";
import { visibleText } from "./texts.ts";

/** Rows of each list. */
const ROWS = 10;
/** The end of a line that has been cut. */
const CUT = "...";
/** Before a line for smf-spf.conf. */
const COPIED = " ".repeat(10);

/** The lines for `smf-spf --status`, cut to a number of columns. */
export function statusLines(status: StatusDocument, width = Number.POSITIVE_INFINITY): string[] {
  const { product, started, now, report_only: reportOnly, problems, nameservers, reload, waits } = status;
  const servers = nameservers
    .map(({ address, answer_ms: ms }) =>
      ms === null ? `${address} (no answer yet)` : `${address} ${milliseconds(ms)}`,
    )
    .join(", ");
  const lines = [
    `${product}, up since ${local(started)} (${duration(Date.parse(now) - Date.parse(started))})`,
    ...(reportOnly ? ["report only: nothing is refused, tagged or quarantined"] : []),
    `name servers: ${servers}`,
    ...sharedCache(status),
    `configuration: ${reload.ok ? "read" : "refused"} ${local(reload.time)}`,
    ...(problems.length === 0 ? ["all is well"] : problems.map((problem) => `problem: ${problem}`)),
    "",
    ...results(status),
    "",
    "How long mail waited in the last hour",
    waits.p50_ms === null
      ? "  nothing: no mail came"
      : `  half within ${milliseconds(waits.p50_ms)}, 95 % ${milliseconds(waits.p95_ms)}, 99 % ${milliseconds(waits.p99_ms)}`,
    `  from memory ${percent(waits.from_memory)}; DNS time-outs since the start: ${waits.dns_timeouts}`,
    ...tops(status),
  ];
  // Whoever has the socket may not be smf-spf.
  return lines.map(visibleText).map((line) => (isCopied(line) ? line : cut(line, width)));
}

function sharedCache({ shared_cache: shared }: StatusDocument): string[] {
  if (shared === null) return [];
  const { up, hits, misses, errors } = shared;
  const state = up ? "in use" : "out of use";
  return [`shared cache: ${state}; ${hits} hits, ${misses} misses, ${errors} errors`];
}

function results({ results: all }: StatusDocument): string[] {
  const rows = Object.entries(all).map(([result, { hour, day, week, total }]) =>
    [result.padEnd(10), ...[hour, day, week, total].map((count) => String(count).padStart(10))].join(""),
  );
  return [`Results   ${["hour", "day", "week", "start"].map((name) => name.padStart(10)).join("")}`, ...rows];
}

const ADVICE = [
  "",
  "The line below a name lets its mail in. Most of what is refused is forged: copy",
  "a line to smf-spf.conf only for mail that you want.",
];

function tops({ top }: StatusDocument): string[] {
  const lists = [top.domains_refused, top.clients_refused, top.domains_in_error, top.forwarders];
  return [
    ...(lists.every((rows) => rows.length === 0) ? [] : ADVICE),
    ...list("Domains refused", top.domains_refused, (row) => [row.count, row.domain, row.line]),
    ...list("Clients refused", top.clients_refused, (row) => [row.count, `${row.ip} ${row.ptr}`, row.line]),
    ...list("Domains in error", top.domains_in_error, (row) => [
      row.count,
      `${row.domain}: ${row.result}: ${row.problem}`,
      row.line,
    ]),
    ...list("Forwarders to look at", top.forwarders, (row) => [
      row.count,
      `${row.ptr} (${row.ip}), ${row.domains} domains`,
      row.line,
    ]),
    ...list("Rules", top.rules, (row) => [row.hits, `${row.rule}  ${row.line}`, null]),
  ];
}

function list<Row>(
  title: string,
  rows: readonly Row[],
  read: (row: Row) => [count: number, text: string, line: string | null],
): string[] {
  if (rows.length === 0) return [];
  const lines = rows.slice(0, ROWS).flatMap((row) => {
    const [count, text, line] = read(row);
    const first = `${String(count).padStart(8)}  ${text}`;
    return line === null ? [first] : [first, `${COPIED}${line}`];
  });
  return ["", title, ...lines];
}

/** What may be copied to smf-spf.conf is whole, however wide the terminal. */
function isCopied(line: string): boolean {
  return line.startsWith(COPIED);
}

function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - CUT.length))}${CUT}`;
}

function milliseconds(ms: number | null): string {
  if (ms === null) return "-";
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(1)} ms`;
}

function percent(share: number | null): string {
  return share === null ? "-" : `${(share * 100).toFixed(1)} %`;
}

function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}

function local(time: string): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
