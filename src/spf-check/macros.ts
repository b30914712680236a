import { type IpAddress, isAscii, isWireName, type OctetString, withoutFinalDot } from "../address/index.ts";

/** A piece of a macro-string (RFC 7208 section 7.1). */
export type MacroPart =
  | { readonly kind: "literal"; readonly text: OctetString }
  | {
      readonly kind: "macro";
      /** Lower-case letter: s l o d i p h c r t v; xr xs xe in the operator's own explanation. */
      readonly letter: string;
      /** Written in upper case: the value is URL-escaped (RFC 7208 section 7.3). */
      readonly escape: boolean;
      /** How many right-hand parts are kept; undefined keeps all. */
      readonly digits: number | undefined;
      readonly reverse: boolean;
      /** Delimiters to split at; "." where none is given. */
      readonly delimiters: string;
    };

/** A parsed macro-string and the text it was read from. */
export interface MacroString {
  readonly text: OctetString;
  /** The letters of its macros, each once. */
  readonly letters: readonly string[];
  /** Of a long string they are made anew each time: they take twenty times the memory of their text. */
  readonly parts: readonly MacroPart[];
}

/** Why a record does not parse: the term and the reason, in words. */
export interface RecordFault {
  readonly term: OctetString;
  readonly reason: string;
}

/** Thrown while a record or a macro-string is parsed; the message is the reason of the fault. */
export class RecordSyntaxError extends Error {}

const SHOWN_MAX = 80;

/** Octets from a record or a client for a problem text: printable ASCII, `?` for others, no longer than `max`. */
export function printable(octets: OctetString, max = SHOWN_MAX): string {
  const shown = octets.length > max ? `${octets.slice(0, max)}...` : octets;
  return shown.replace(/[^\x20-\x7e]/g, "?");
}

/**
 * Where a macro-string is found. `domain-spec`: the argument of a mechanism, of redirect= and of exp=, which must
 * end in a top label or a macro. `explanation`: the text that exp= leads to and the value of an unknown modifier.
 * `own explanation`: the operator's SPFExplanation.
 */
export type MacroPlace = "domain-spec" | "explanation" | "own explanation";

/** A parsed macro-string, or why the text is not one. */
export type ParsedMacroString = { readonly macroString: MacroString } | { readonly fault: RecordFault };

const NAME_OCTETS_MAX = 253;
/** A string with more of them is read again when they are needed. */
const PARTS_KEPT_MAX = 32;

/** RFC 7208 section 7.2; c, r and t are for explanations only. */
const EXPLANATION_LETTERS = new Set("slodiphvcrt");
const LETTERS: Record<MacroPlace, ReadonlySet<string>> = {
  "domain-spec": new Set("slodiphv"),
  explanation: EXPLANATION_LETTERS,
  "own explanation": new Set([...EXPLANATION_LETTERS, "xr", "xs", "xe"]),
};

const ESCAPES: Readonly<Record<string, string>> = { "%": "%", _: " ", "-": "%20" };

// Every quantifier is followed by a character outside its set: time is linear in the text.
const MACRO = /%\{(x?[a-z])(\d*)(r?)([.\-+,/_=]*)\}/iy;

/** Parses a macro-string (RFC 7208 section 7.1); the fault names the whole text as its term. */
export function parseMacroString(text: OctetString, place: MacroPlace): ParsedMacroString {
  try {
    return { macroString: readMacroString(text, place) };
  } catch (error) {
    if (error instanceof RecordSyntaxError) return { fault: { term: text, reason: error.message } };
    throw error;
  }
}

/** See {@link parseMacroString}. Throws a RecordSyntaxError with the reason. */
export function readMacroString(text: OctetString, place: MacroPlace): MacroString {
  const foreign = (place === "domain-spec" ? /[^\x21-\x7e]/ : /[^\x20-\x7e]/).exec(text);
  if (foreign !== null) throw new RecordSyntaxError(`${octetName(foreign[0])} is not allowed here`);
  const { parts, letters, endsInMacro } = readParts(text, place);
  if (place === "domain-spec" && !endsInMacro) checkDomainEnd(text);
  if (parts.length <= PARTS_KEPT_MAX) return { text, letters, parts };
  return {
    text,
    letters,
    get parts() {
      return readParts(text, place).parts;
    },
  };
}

function readParts(
  text: OctetString,
  place: MacroPlace,
): Pick<MacroString, "parts" | "letters"> & { readonly endsInMacro: boolean } {
  const parts: MacroPart[] = [];
  const letters: string[] = [];
  let at = 0;
  let endsInMacro = false;
  while (at < text.length) {
    const percent = text.indexOf("%", at);
    const literalEnd = percent === -1 ? text.length : percent;
    if (literalEnd > at) parts.push({ kind: "literal", text: text.slice(at, literalEnd) });
    endsInMacro = percent !== -1;
    if (percent === -1) break;
    const { part, end } = readExpand(text, percent, place);
    parts.push(part);
    if (part.kind === "macro" && !letters.includes(part.letter)) letters.push(part.letter);
    at = end;
  }
  return { parts, letters, endsInMacro };
}

/** The macro or escape that begins with the percent sign at a place, and where it ends. */
function readExpand(
  text: OctetString,
  at: number,
  place: MacroPlace,
): { readonly part: MacroPart; readonly end: number } {
  const escaped = ESCAPES[text.charAt(at + 1)];
  if (escaped !== undefined) return { part: { kind: "literal", text: escaped }, end: at + 2 };
  MACRO.lastIndex = at;
  const match = MACRO.exec(text);
  if (match === null) {
    const shown = printable(text.slice(at, at + 8));
    throw new RecordSyntaxError(`"${shown}" is not a macro; write a percent sign as %%`);
  }
  const [whole, name = "", digits = "", reverse = "", delimiters = ""] = match;
  const letter = name.toLowerCase();
  if (!LETTERS[place].has(letter)) {
    throw new RecordSyntaxError(
      EXPLANATION_LETTERS.has(letter)
        ? `the macro %{${name}} is allowed in an explanation only`
        : `unknown macro %{${name}}`,
    );
  }
  if (digits !== "" && Number(digits) === 0) throw new RecordSyntaxError("a macro cannot keep zero parts");
  return {
    part: {
      kind: "macro",
      letter,
      escape: name !== letter,
      digits: digits === "" ? undefined : Number(digits),
      reverse: reverse !== "",
      delimiters: delimiters === "" ? "." : [...new Set(delimiters)].join(""),
    },
    end: at + whole.length,
  };
}

/** Throws where a domain-spec that does not end in a macro does not end in a top label (RFC 7208 section 7.1). */
function checkDomainEnd(text: OctetString): void {
  if (text === "") throw new RecordSyntaxError("a domain name is missing");
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  const dot = name.lastIndexOf(".");
  if (dot === -1) throw new RecordSyntaxError(`"${printable(text)}" is not a domain name with a dot in it`);
  const label = name.slice(dot + 1);
  if (!/^[a-z0-9-]+$/i.test(label) || label.startsWith("-") || label.endsWith("-") || /^\d+$/.test(label)) {
    throw new RecordSyntaxError(`"${printable(text)}" does not end in a top-level domain`);
  }
}

function octetName(octet: string): string {
  if (octet === " ") return "a space";
  return `the octet 0x${octet.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`;
}

/** The values of the macros (RFC 7208 section 7.2). */
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
  return string.letters.some((letter) => letters.includes(letter));
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
  const { parts } = string;
  let text = "";
  for (let i = parts.length - 1; i >= 0 && text.length <= max; i--) {
    const part = parts[i];
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

/**
 * The name that a domain-spec gives: expanded, without its final dot, and with left-hand labels taken off
 * until no more than 253 octets are left (RFC 7208 section 7.3).
 */
export function targetName(target: MacroString, values: MacroValues): OctetString {
  const name = withoutFinalDot(expandEnd(target, values, NAME_OCTETS_MAX + 1));
  if (name.length <= NAME_OCTETS_MAX) return name;
  // The dot may be the octet just before the 253 that fit.
  const dot = name.indexOf(".", name.length - NAME_OCTETS_MAX - 1);
  return dot === -1 ? name : name.slice(dot + 1);
}

/**
 * Whether DNS can be asked for a name at all; one that it cannot carry does not exist. The name comes without its
 * final dot: one more is an empty label (RFC 7208 section 4.3).
 */
export function isAskable(name: OctetString): boolean {
  return !name.endsWith(".") && isAscii(name) && isWireName(name);
}
