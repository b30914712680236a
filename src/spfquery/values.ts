/** What the values of options say: a word, and what is checked, from a line of the maillog (`--line`) or a message (`--mail`). */
import { isSpfRecord, parseMacroString, parseMechanisms, type SpfRecord } from "spf-check";
import {
  type IpAddress,
  isMultiLabelDomain,
  type OctetString,
  octetsOfText,
  parseIpAddress,
  toALabels,
  unmapIpv4,
  withoutFinalDot,
} from "../address/index.ts";
import { type Nameserver, parseNameserver } from "../dns/index.ts";
import { readReceived } from "../policy/index.ts";
import { readLogLine } from "../spfreport/log-line.ts";
import { UsageError } from "./options.ts";
import type { Query } from "./query.ts";

/** One argument shown in a message: control characters and everything above ASCII escaped. */
export function shown(text: string): string {
  return JSON.stringify(text).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * The client's address, bare or as logs and Received fields have it: `[192.0.2.1]`, `IPv6:2001:db8::1`. An
 * IPv4-mapped one is IPv4 (RFC 7208 section 5).
 */
export function readIp(text: string): IpAddress {
  const bare = /^\[(.*)\]$/s.exec(text)?.[1] ?? text;
  const ip = parseIpAddress(bare.replace(/^ipv6:/i, ""));
  if (ip === undefined) throw new UsageError(`invalid IP address ${shown(text)}`);
  return unmapIpv4(ip);
}

/**
 * A sender that a person has typed or pasted. What cannot be one is an error: it would be a domain without a
 * record, and the answer "none".
 */
export function readSender(text: string): OctetString {
  const sender = readAddress(text);
  const meant = /<([^<>\s]*@[^<>\s@]+)>/.exec(text)?.[1] ?? /[^\s<>,;"'()]+@[^\s<>,;"'()@]+/.exec(text)?.[0];
  const hint = meant === undefined || meant === text ? "" : `; did you mean ${shown(meant)}?`;
  if (/[<>]/.test(sender)) throw new UsageError(`invalid address ${shown(text)}${hint}`);
  const at = sender.lastIndexOf("@");
  const local = sender.slice(0, Math.max(at, 0));
  const domain = sender.slice(at + 1);
  if (sender !== "" && domain === "") throw new UsageError(`${shown(text)} has no domain after the "@"`);
  if (/[\s,;:"'()]/.test(domain)) throw new UsageError(`invalid host name ${shown(domain)}${hint}`);
  if (/[\s,;()]/.test(local) && !/^".*"$/s.test(local)) {
    throw new UsageError(`invalid local part ${shown(local)}${hint}`);
  }
  return sender;
}

/** `ADDR`, `ADDR:PORT` or `[V6]:PORT`; port 53 where none is given. */
export function readServer(text: string): Nameserver {
  const server = parseNameserver(text);
  if (server === undefined) {
    throw new UsageError(`invalid name server ${shown(text)}: expected ADDR, ADDR:PORT or [IPV6]:PORT`);
  }
  return server;
}

/** The octets of a name or address; angle brackets around the whole are taken off. */
export function readAddress(text: string): OctetString {
  return octetsOfText(/^<.*>$/s.test(text) ? text.slice(1, -1) : text);
}

/** `20`, `1.5`, `20s`, `500ms`, `2m`: milliseconds, above 0 and at most an hour. */
export function readDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/i.exec(text);
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match?.[2]?.toLowerCase() ?? "s"] ?? 1000;
  const milliseconds = Number(match?.[1]) * unit;
  if (!(milliseconds >= 1 && milliseconds <= 3_600_000)) {
    throw new UsageError(
      `invalid time ${shown(text)}: expected seconds, or a number with ms, s, m or h, up to 1h`,
    );
  }
  return milliseconds;
}

/** A limit: a whole number from 0 to 1000. */
export function readLimit(text: string): number {
  if (!/^\d{1,4}$/.test(text) || Number(text) > 1000) {
    throw new UsageError(`invalid limit ${shown(text)}: expected a whole number from 0 to 1000`);
  }
  return Number(text);
}

/** Local rules or guess rules; none where the text is blank, as scripts pass empty arguments. */
export function readRules(text: string): SpfRecord | undefined {
  if (text.trim() === "") return undefined;
  const parsed = parseMechanisms(octetsOfText(text));
  if ("fault" in parsed)
    throw new UsageError(`in the rules, ${shown(parsed.fault.term)}: ${parsed.fault.reason}`);
  return parsed.record;
}

/** The default explanation, a macro-string; none where the text is empty. */
export function readExplanation(text: string): string | undefined {
  if (text === "") return undefined;
  const octets = octetsOfText(text);
  const parsed = parseMacroString(octets, "own explanation");
  if ("fault" in parsed) throw new UsageError(`in the explanation: ${parsed.fault.reason}`);
  return octets;
}

/** `DOMAIN=RECORD`. The record may be wrong: its faults are what one may want to see. */
export function readDomainRecord(text: string): readonly [domain: string, record: OctetString] {
  const match = /^([^=\s]+)=(.*)$/s.exec(text);
  // Records are looked for by A-labels (RFC 7208 section 4.3).
  const domain = toALabels(withoutFinalDot(octetsOfText(match?.[1] ?? "")))?.toLowerCase();
  const record = octetsOfText(match?.[2] ?? "");
  if (domain === undefined || !isMultiLabelDomain(domain) || !isSpfRecord(record)) {
    throw new UsageError(
      `invalid argument ${shown(text)}: expected DOMAIN=RECORD, where the record begins with v=spf1`,
    );
  }
  return [domain, record];
}

/** What Postfix logs of a message that a milter has refused. */
const MILTER_REJECT =
  /: milter-reject: (?:MAIL|RCPT|END-OF-MESSAGE) from \S*?\[([0-9A-Fa-f.:]+)\]: .*?; from=<([^>]*)>.*? helo=<([^>]*)>/;

/**
 * What a line of ours, of the C programs, or of Postfix about a milter says; undefined where it does not name an
 * address and a sender. With `results` a line about what was done is none: the result of its message has its own.
 */
export function queryOfLine(line: string, kinds: "all" | "results"): Query | undefined {
  const reject = MILTER_REJECT.exec(line);
  if (reject !== null && kinds === "all") {
    const [, ip = "", from = "", helo = ""] = reject;
    return queryOf(ip, helo, from);
  }
  const body = line.replace(/^.*?\bsmf-spf(?:\[\d+\])?: /, "").replace(/^\uFEFF/, "");
  const read = readLogLine(body);
  if (typeof read === "string" || (kinds === "results" && read.kind !== "result")) return undefined;
  return queryOf(read.ip, read.helo, read.from);
}

/**
 * The same for `--line`.
 * @throws UsageError with what is expected
 */
export function readLine(line: string): Query {
  const query = queryOfLine(line, "all");
  if (query === undefined) {
    throw new UsageError(
      `invalid line ${shown(line.slice(0, 60))}: expected one that names an address and a sender, such as ` +
        `"SPF fail: 192.0.2.1, [192.0.2.1], mail.example.org, user@example.org"`,
    );
  }
  return query;
}

function queryOf(ip: string, helo: string, from: string): Query | undefined {
  try {
    return { ip: readIp(ip), helo: octetsOfText(helo), sender: octetsOfText(from), scope: "mfrom" };
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** One header field as a milter is given it: without the space after the colon, LF between folded lines. */
export interface MessageField {
  readonly name: OctetString;
  readonly value: OctetString;
}

/** A header longer than this is cut: what is looked for is at its top. */
export const HEADER_OCTETS_MAX = 1_048_576;

/** The fields of a header; a line `From ` of a mailbox before them, and the body after them, are passed over. */
export function fieldsOf(message: OctetString): MessageField[] {
  const [header = ""] = message
    .replace(/^From [^\n]*\n/, "")
    .replaceAll("\r\n", "\n")
    .split("\n\n", 1);
  const fields: MessageField[] = [];
  for (const line of header.replace(/\n(?=[ \t])/g, "\0").split("\n")) {
    const match = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:[ \t]?(.*)$/s.exec(line.replaceAll("\0", "\n"));
    if (match !== null) fields.push({ name: match[1] ?? "", value: match[2] ?? "" });
  }
  return fields;
}

/**
 * What the message's topmost Received field and its Return-Path say of client, HELO and sender.
 * @throws UsageError where they do not
 */
export function queryOfMessage(fields: readonly MessageField[], file: string): Query {
  const first = (wanted: string): MessageField | undefined =>
    fields.find(({ name }) => name.toLowerCase() === wanted);
  const received = first("received");
  if (received === undefined) throw new UsageError(`${file} has no Received field`);
  const from = readReceived(received.value);
  if (from === undefined) {
    throw new UsageError(`the topmost Received field of ${file} names no client address`);
  }
  const returnPath = first("return-path");
  if (returnPath === undefined) {
    throw new UsageError(`${file} has no Return-Path field, so its sender is not known`);
  }
  const sender = /<([^<>]*)>/.exec(returnPath.value)?.[1] ?? returnPath.value.trim();
  return { ip: readIp(from.ip.text), helo: from.helo, sender, scope: "mfrom" };
}
