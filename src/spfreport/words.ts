import type { UnreadableLine } from "./read-log.ts";
import type { Report } from "./report.ts";

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** `1,234`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** `1 message`, `2 messages`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** The share of a whole in percent, without decimals; `<1 %` where it would be 0. */
export function percent(part: number, whole: number): string {
  if (whole === 0 || part === 0) return "";
  const share = Math.round((100 * part) / whole);
  return share === 0 ? "<1 %" : `${share} %`;
}

/** `25 (1 %)`. */
export function withShare(part: number, whole: number): string {
  return `${grouped(part)} (${percent(part, whole) || "0 %"})`;
}

/** `22 to 28 November 2026`. */
export function spanOf(days: Report["days"]): string {
  const [first, last] = [days[0]?.date, days.at(-1)?.date];
  if (first === undefined || last === undefined) return "";
  if (first === last) return dateInWords(first);
  if (first.slice(0, 7) === last.slice(0, 7)) return `${dayOfMonth(first)} to ${dateInWords(last)}`;
  const from = first.slice(0, 4) === last.slice(0, 4) ? dateInWords(first).slice(0, -5) : dateInWords(first);
  return `${from} to ${dateInWords(last)}`;
}

function dateInWords(date: string): string {
  return `${dayOfMonth(date)} ${MONTHS[Number(date.slice(5, 7)) - 1] ?? ""} ${date.slice(0, 4)}`;
}

function dayOfMonth(date: string): number {
  return Number(date.slice(8));
}

/** `Sun 22 Nov`. */
export function shortDate(date: string): string {
  const weekday = WEEKDAYS[new Date(`${date}T00:00:00Z`).getUTCDay()] ?? "";
  return `${weekday} ${String(dayOfMonth(date)).padStart(2)} ${(MONTHS[Number(date.slice(5, 7)) - 1] ?? "").slice(0, 3)}`;
}

/** `5 ms`, `2 s`. */
export function duration(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return "over 20 s";
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

/** What has happened, in a sentence or two. */
export function headline(report: Report): string {
  const { messages, actions, refusals } = report;
  if (messages === 0) return "The log has no line of smf-spf about a message in this period.";
  const { done, reportOnly } = actions.refused;
  const said = [
    ...(done > 0
      ? [`${grouped(done)} of ${counted(messages, "message")} ${done === 1 ? "was" : "were"} refused`]
      : []),
    ...(reportOnly > 0
      ? [`${grouped(reportOnly)}${done > 0 ? "" : ` of ${counted(messages, "message")}`} would be refused`]
      : []),
  ];
  if (said.length === 0) return `None of ${counted(messages, "message")} was or would be refused.`;
  const sentence = `${said.join(", ")} (${percent(refusals.count, messages)}).`;
  if (refusals.remaining === refusals.count) return sentence;
  return `${sentence} With the lines below it would be ${grouped(refusals.remaining)}.`;
}

/** What to do with each section, in a sentence. */
export const ADVICE = {
  suggestions: "Add the lines that you agree with to smf-spf.conf, then reload. Read the risk first.",
  suggestionsForOthers: "No line of smf-spf.conf helps here; somebody else has to correct a record.",
  suggestionsNone: "Nothing in this log calls for a line in smf-spf.conf.",
  results: "What the sender domains say of the clients that used them.",
  days: "A sudden rise is a wave of forged mail, or a record that somebody broke.",
  domains: "Ask your users about the names they know; a domain that is forged needs nothing.",
  clients: "A client with a name you know is worth a look; most of the others are forgers.",
  yours:
    "Mail from your networks, or under the name of your domains. Correct what is not forged before it is refused.",
  yoursNone: "Nothing that is yours was or would be refused.",
  yoursUnknown: "Say what is yours with --local NETWORK and --local DOMAIN to see your own mail here.",
  forwarders: "These clients bring mail of many domains, as forwarders, lists and forgers do.",
  errors:
    "spfquery --trace shows what is wrong. The owner of the domain has to correct it: tell postmaster@DOMAIN.",
  rules: "What stopped mail or let it pass. smf-spf --status shows the rules that never hit, too.",
  dns: "Many time-outs point to a name server that does not answer: see smf-spf --status.",
  dnsWell: "Every evaluation got its answers.",
  whatIf:
    "The same mail under these settings, and for the rest those of -c or the defaults. RefuseFail nomail counts as off: the log has no records.",
} as const;

/** That there is no suggestion, and what was not looked at. */
export function noSuggestion({ knowsOurs, dnsAsked }: Report): string {
  const without = [...(knowsOurs ? [] : ["--local"]), ...(dnsAsked === "not asked" ? ["DNS"] : [])];
  if (without.length === 0) return ADVICE.suggestionsNone;
  return `No line for smf-spf.conf was found. Without ${without.join(" and ")} some cannot be found.`;
}

/** What could not be read, or not counted exactly, in sentences. */
export function caveats(report: Report): string[] {
  const { lines, inexact, dnsAsked } = report;
  const said: string[] = [];
  if (lines.unreadable > 0) {
    said.push(
      `${counted(lines.unreadable, "line")} could not be read and ${lines.unreadable === 1 ? "is" : "are"} not counted.`,
    );
    if (lines.firstUnreadable !== undefined) said.push(firstUnreadable(lines.firstUnreadable));
  }
  if (lines.future > 0)
    said.push(`${counted(lines.future, "line")} ${lines.future === 1 ? "is" : "are"} dated in the future.`);
  if (inexact > 0) {
    said.push(
      `There are more than 100,000 different domains or clients: individual counts may be too low by up to ${grouped(inexact)}.`,
    );
  }
  if (dnsAsked === "not asked") {
    said.push("DNS was not asked, so forwarders and providers could not be told from forgers.");
  }
  return said;
}

/** Whoever sends mail can have a word in the log: nothing that a terminal or a page obeys is left of it. */
function firstUnreadable({ file, number, text }: UnreadableLine): string {
  const place = `The first (${file.replace(/\p{C}/gu, "?")}, line ${grouped(number)})`;
  if (text === undefined) return `${place} is longer than 64 KB.`;
  const printable = text.replace(
    /[^\x20-\x7e]/g,
    (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `${place}: ${printable}`;
}
