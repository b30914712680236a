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
import { UsageError } from "./options.ts";

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
