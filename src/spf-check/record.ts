/** SPF records: what they are made of, how they are parsed and printed (RFC 7208 sections 4.6, 5 and 6). */
import { type IpAddress, type OctetString, parseIpAddress } from "../address/index.ts";
import {
  type MacroString,
  printable,
  type RecordFault,
  RecordSyntaxError,
  readMacroString,
} from "./macros.ts";

/** RFC 7208 section 4.6.2. */
export type Qualifier = "+" | "-" | "~" | "?";

/** Prefix lengths of the `a` and `mx` mechanisms (RFC 7208 section 5.3). */
export interface DualCidr {
  readonly ip4: number;
  readonly ip6: number;
}

/** A mechanism (RFC 7208 section 5). A missing domain-spec means the current domain. */
export type Mechanism =
  | { readonly kind: "all" }
  | { readonly kind: "include"; readonly target: MacroString }
  | { readonly kind: "a" | "mx"; readonly target: MacroString | undefined; readonly cidr: DualCidr }
  | { readonly kind: "ptr"; readonly target: MacroString | undefined }
  | { readonly kind: "ip4" | "ip6"; readonly address: IpAddress; readonly prefixLength: number }
  | { readonly kind: "exists"; readonly target: MacroString };

/** A qualifier and a mechanism, with the term as it was published. */
export interface Directive {
  readonly text: OctetString;
  readonly qualifier: Qualifier;
  readonly mechanism: Mechanism;
}

/** A modifier (RFC 7208 section 6); unknown ones are kept by name and value. */
export interface Modifier {
  readonly text: OctetString;
  readonly name: string;
  readonly value: MacroString;
}

/** A record after its version section (RFC 7208 section 4.6). */
export interface SpfRecord {
  readonly directives: readonly Directive[];
  readonly redirect: Modifier | undefined;
  readonly explanation: Modifier | undefined;
  readonly unknownModifiers: readonly Modifier[];
}

/** A parsed record, or the first thing that is wrong with it. */
export type ParsedRecord = { readonly record: SpfRecord } | { readonly fault: RecordFault };

const VERSION_LENGTH = "v=spf1".length;
const SPACE = 0x20;

/** Whether a TXT record is an SPF record: its version section is exactly `v=spf1` (RFC 7208 section 4.5). */
export function isSpfRecord(text: OctetString): boolean {
  return /^v=spf1(?: |$)/i.test(text);
}

/**
 * Parses a whole record, version section included (RFC 7208 sections 4.6 and 12). The syntax of every term is
 * checked, also after `all` and in unknown modifiers. Modifiers may be anywhere.
 */
export function parseRecord(text: OctetString): ParsedRecord {
  return toEnd(readRecord(text));
}

/** Which parts of a record are kept; all of them where none is given. */
export interface Keeping {
  keepsDirective(directive: Directive): boolean;
  readonly keepsUnknownModifiers: boolean;
}

/** Parses a record as {@link parseRecord} does, and yields now and then, as one may have nine thousand terms. */
export function* readRecord(text: OctetString, keeping?: Keeping): Generator<undefined, ParsedRecord> {
  if (!isSpfRecord(text)) return { fault: { term: text, reason: 'a record begins with "v=spf1"' } };
  return yield* readTerms(text, VERSION_LENGTH, (name) => name, keeping);
}

/** Parses the value of SPFRules or SPFGuess: directives only, no version section, no modifiers. */
export function parseMechanisms(text: OctetString): ParsedRecord {
  const allow = (name: string | undefined): string | undefined => {
    if (name === undefined) return undefined;
    throw new RecordSyntaxError("only mechanisms are allowed here, no version and no modifiers");
  };
  const parsed = toEnd(readTerms(text, 0, allow));
  if ("record" in parsed && parsed.record.directives.length === 0) {
    return { fault: { term: text, reason: "no mechanism is given" } };
  }
  return parsed;
}

function toEnd(reading: Generator<undefined, ParsedRecord>): ParsedRecord {
  let next = reading.next();
  while (next.done !== true) next = reading.next();
  return next.value;
}

/** So many octets of a record are parsed in one go. */
const PARSED_AT_ONCE = 4096;

/** Parses terms in their order; `allow` may throw at the name of a modifier. */
function* readTerms(
  text: OctetString,
  start: number,
  allow: (modifierName: string | undefined) => string | undefined,
  keeping?: Keeping,
): Generator<undefined, ParsedRecord> {
  const directives: Directive[] = [];
  const known: Modifier[] = [];
  const unknownModifiers: Modifier[] = [];
  let pauseAt = start + PARSED_AT_ONCE;
  // Only spaces separate terms (RFC 7208 section 4.6.1); a tab is an octet of a term, and wrong there.
  for (let at = start; at < text.length; at++) {
    if (text.charCodeAt(at) === SPACE) continue;
    const space = text.indexOf(" ", at);
    const end = space === -1 ? text.length : space;
    const term = text.slice(at, end);
    at = end;
    try {
      const name = allow(/^([a-z][a-z0-9\-_.]*)=/i.exec(term)?.[1]);
      if (name === undefined) {
        const directive = parseDirective(term);
        if (keeping?.keepsDirective(directive) !== false) directives.push(directive);
      } else {
        const modifier = parseModifier(term, name, known);
        if (isKnownModifier(modifier.name)) known.push(modifier);
        else if (keeping?.keepsUnknownModifiers !== false) unknownModifiers.push(modifier);
      }
    } catch (error) {
      if (error instanceof RecordSyntaxError) return { fault: { term, reason: error.message } };
      throw error;
    }
    if (at < pauseAt) continue;
    pauseAt = at + PARSED_AT_ONCE;
    yield;
  }
  const named = (wanted: string): Modifier | undefined => known.find(({ name }) => name === wanted);
  return {
    record: { directives, redirect: named("redirect"), explanation: named("exp"), unknownModifiers },
  };
}

/** A modifier (RFC 7208 section 6); redirect= and exp= may be there once. */
function parseModifier(term: OctetString, written: string, earlier: readonly Modifier[]): Modifier {
  const name = written.toLowerCase();
  const known = isKnownModifier(name);
  const value = readMacroString(term.slice(written.length + 1), known ? "domain-spec" : "explanation");
  if (known && earlier.some((modifier) => modifier.name === name)) {
    throw new RecordSyntaxError(`${name}= is given more than once`);
  }
  return { text: term, name, value };
}

function isKnownModifier(name: string): boolean {
  return name === "redirect" || name === "exp";
}

/** A directive: a qualifier and a mechanism (RFC 7208 sections 4.6.1, 4.6.2 and 5). */
function parseDirective(term: OctetString): Directive {
  const first = term.charAt(0);
  if (isQualifier(first)) return { text: term, qualifier: first, mechanism: parseMechanism(term.slice(1)) };
  return { text: term, qualifier: "+", mechanism: parseMechanism(term) };
}

function isQualifier(char: string): char is Qualifier {
  return char === "+" || char === "-" || char === "~" || char === "?";
}

function parseMechanism(body: OctetString): Mechanism {
  const nameEnd = body.search(/[:/]/);
  const written = nameEnd === -1 ? body : body.slice(0, nameEnd);
  const rest = nameEnd === -1 ? "" : body.slice(nameEnd);
  const kind = written.toLowerCase();
  switch (kind) {
    case "all":
      if (rest !== "") throw new RecordSyntaxError("nothing may follow all");
      return { kind };
    case "include":
    case "exists":
      return { kind, target: requiredTarget(kind, rest) };
    case "a":
    case "mx":
      return { kind, ...targetAndCidr(rest) };
    case "ptr":
      return { kind, target: rest === "" ? undefined : requiredTarget(kind, rest) };
    case "ip4":
      return { kind, ...addressAndPrefix(rest, 4) };
    case "ip6":
      return { kind, ...addressAndPrefix(rest, 6) };
    default:
      throw new RecordSyntaxError(
        written === "" ? "a mechanism is missing" : `unknown mechanism "${printable(written)}"`,
      );
  }
}

/** `:domain-spec`, which must be there. */
function requiredTarget(kind: string, rest: OctetString): MacroString {
  if (!rest.startsWith(":")) throw new RecordSyntaxError(`${kind} needs ":" and a domain name`);
  return readMacroString(rest.slice(1), "domain-spec");
}

/** `[:domain-spec][/n][//m]` (RFC 7208 section 5.3). */
function targetAndCidr(rest: OctetString): {
  readonly target: MacroString | undefined;
  readonly cidr: DualCidr;
} {
  // No domain-spec can end in a slash and digits, so those at the end are a prefix length.
  const v6 = cutPrefix(rest, "//");
  const v4 = cutPrefix(v6.before, "/");
  if (cutPrefix(v4.before, "/").digits !== undefined) {
    throw new RecordSyntaxError("prefix lengths are written /n for IPv4, //n for IPv6, and /n//n for both");
  }
  const cidr = { ip4: prefixLength(v4.digits, 32), ip6: prefixLength(v6.digits, 128) };
  if (v4.before === "") return { target: undefined, cidr };
  if (!v4.before.startsWith(":")) throw new RecordSyntaxError('"/" must be followed by a prefix length');
  return { target: readMacroString(v4.before.slice(1), "domain-spec"), cidr };
}

/** Takes `/digits` or `//digits` off the end of a text. */
function cutPrefix(
  text: OctetString,
  slashes: "/" | "//",
): { readonly before: OctetString; readonly digits: string | undefined } {
  let at = text.length;
  while (at > 0 && isDigit(text.charCodeAt(at - 1))) at--;
  const start = at - slashes.length;
  if (at === text.length || start < 0 || text.slice(start, at) !== slashes) {
    return { before: text, digits: undefined };
  }
  return { before: text.slice(0, start), digits: text.slice(at) };
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function prefixLength(digits: string | undefined, bits: number): number {
  if (digits === undefined) return bits;
  if (!/^(?:0|[1-9]\d{0,2})$/.test(digits) || Number(digits) > bits) {
    throw new RecordSyntaxError(`invalid prefix length "${printable(digits)}" (0 to ${bits})`);
  }
  return Number(digits);
}

/** `:address[/n]` of ip4 and ip6 (RFC 7208 section 5.6). */
function addressAndPrefix(
  rest: OctetString,
  family: 4 | 6,
): Pick<Extract<Mechanism, { kind: "ip4" | "ip6" }>, "address" | "prefixLength"> {
  if (!rest.startsWith(":")) throw new RecordSyntaxError(`ip${family} needs ":" and an IPv${family} address`);
  const slash = rest.indexOf("/");
  const text = slash === -1 ? rest.slice(1) : rest.slice(1, slash);
  const address = parseIpAddress(text);
  if (address?.family !== family) {
    throw new RecordSyntaxError(`"${printable(text)}" is not an IPv${family} address`);
  }
  const digits = slash === -1 ? undefined : rest.slice(slash + 1);
  return { address, prefixLength: prefixLength(digits, family === 4 ? 32 : 128) };
}

/**
 * A record as text: version section, directives in their order, then redirect=, exp= and the other modifiers.
 * Every term stands as it was written, so parsing the text gives an equal record (RFC 7208 section 4.6.1 lets
 * modifiers stand anywhere).
 */
export function printRecord(record: SpfRecord): OctetString {
  const modifiers = [record.redirect, record.explanation, ...record.unknownModifiers];
  return ["v=spf1", ...record.directives, ...modifiers]
    .flatMap((term) => (term === undefined ? [] : [typeof term === "string" ? term : term.text]))
    .join(" ");
}

/** The directives alone, as SPFRules and SPFGuess have them. */
export function printMechanisms(record: SpfRecord): OctetString {
  return record.directives.map(({ text }) => text).join(" ");
}

/** Whether a domain says with its whole record that it sends no mail: `v=spf1 -all`, and no more. */
export function isNoMailRecord(text: OctetString): boolean {
  return /^v=spf1 +-all *$/i.test(text);
}
