import type { IpAddress, OctetString } from "../address/index.ts";
import type { MacroPart, MacroString } from "./record.ts";

/** What the macros stand for (RFC 7208 section 7.2). */
export interface MacroValues {
  readonly ip: IpAddress;
  /** The domain whose record is read, for %{d}. */
  readonly domain: OctetString;
  readonly localPart: OctetString;
  /** The domain of the sender, for %{o}. */
  readonly senderDomain: OctetString;
  readonly helo: OctetString;
  readonly receiver: OctetString;
  readonly nowSeconds: number;
  /** The validated domain name of the client, `unknown` where it has none, for %{p}. */
  readonly validatedName: OctetString;
  /** The operator's own macros: what decided (%{xs}) and what went wrong (%{xe}). */
  readonly decidedBy?: string;
  readonly problem?: string;
}

type Macro = Extract<MacroPart, { kind: "macro" }>;

/** Whether a macro-string reads one of these letters. */
export function readsMacro(string: MacroString, letters: string): boolean {
  return string.parts.some((part) => part.kind === "macro" && letters.includes(part.letter));
}

/** Expands from left to right, and stops once more than `max` octets are there; the result may be longer. */
export function expandText(string: MacroString, values: MacroValues, max: number): OctetString {
  let text = "";
  for (const part of string.parts) {
    text += expandPart(part, values);
    if (text.length > max) break;
  }
  return text;
}

/**
 * Expands from right to left, and stops once more than `max` octets are there: a name that is too long loses
 * its left side anyway (RFC 7208 section 7.3), so a hostile record cannot make it grow.
 */
export function expandEnd(string: MacroString, values: MacroValues, max: number): OctetString {
  let text = "";
  for (let i = string.parts.length - 1; i >= 0 && text.length <= max; i--) {
    const part = string.parts[i];
    if (part !== undefined) text = expandPart(part, values) + text;
  }
  return text;
}

function expandPart(part: MacroPart, values: MacroValues): OctetString {
  if (part.kind === "literal") return part.text;
  const value = transform(valueOf(part.letter, values), part);
  return part.escape ? urlEscape(value) : value;
}

function valueOf(letter: string, values: MacroValues): OctetString {
  switch (letter) {
    case "s":
      return `${values.localPart}@${values.senderDomain}`;
    case "l":
      return values.localPart;
    case "o":
      return values.senderDomain;
    case "d":
      return values.domain;
    case "i":
      return dottedIp(values.ip);
    case "p":
      return values.validatedName;
    case "v":
      return values.ip.family === 4 ? "in-addr" : "ip6";
    case "h":
      return values.helo;
    case "c":
      return values.ip.text;
    case "r":
    case "xr":
      return values.receiver === "" ? "unknown" : values.receiver;
    case "t":
      return String(values.nowSeconds);
    case "xs":
      return values.decidedBy ?? "";
    case "xe":
      return values.problem ?? "";
    default:
      return "";
  }
}

/** %{i}: a dotted quad, or 32 dotted nibbles (RFC 7208 section 7.3). */
function dottedIp(ip: IpAddress): string {
  if (ip.family === 4) return ip.text;
  return Array.from(ip.bytes, (octet) => `${(octet >> 4).toString(16)}.${(octet & 15).toString(16)}`)
    .join(".")
    .toUpperCase();
}

/** The name whose PTR records name a client (RFC 7208 section 5.5, RFC 1035 section 3.5, RFC 3596). */
export function reverseName(ip: IpAddress): OctetString {
  const parts = dottedIp(ip).toLowerCase().split(".").reverse().join(".");
  return `${parts}.${ip.family === 4 ? "in-addr" : "ip6"}.arpa`;
}

/**
 * Splits, reverses and keeps right-hand parts (RFC 7208 section 7.1). Only as much of the value is read as
 * comes out, so that no record can make many macros read a long value for nothing.
 */
function transform(value: OctetString, { digits, reverse, delimiters }: Macro): OctetString {
  if (digits === undefined && !reverse && delimiters === ".") return value;
  const wanted = digits ?? Number.POSITIVE_INFINITY;
  const parts = reverse ? firstParts(value, delimiters, wanted) : lastParts(value, delimiters, wanted);
  // Both come with the part that ends up last in front.
  return parts.reverse().join(".");
}

function firstParts(value: OctetString, delimiters: string, wanted: number): OctetString[] {
  const parts: OctetString[] = [];
  let start = 0;
  for (let at = 0; at <= value.length && parts.length < wanted; at++) {
    if (at < value.length && !delimiters.includes(value.charAt(at))) continue;
    parts.push(value.slice(start, at));
    start = at + 1;
  }
  return parts;
}

function lastParts(value: OctetString, delimiters: string, wanted: number): OctetString[] {
  const parts: OctetString[] = [];
  let end = value.length;
  for (let at = value.length - 1; at >= -1 && parts.length < wanted; at--) {
    if (at >= 0 && !delimiters.includes(value.charAt(at))) continue;
    parts.push(value.slice(at + 1, end));
    end = at;
  }
  return parts;
}

/** Escapes all but the unreserved set of RFC 3986 section 2.3 (RFC 7208 section 7.3). */
function urlEscape(value: OctetString): OctetString {
  return value.replace(
    /[^A-Za-z0-9\-._~]/g,
    (octet) => `%${octet.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
  );
}
