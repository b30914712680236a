/** The argument of MAIL FROM or RCPT TO: as RFC 5321 has it, or else as a lenient MTA reads it. */
import { parseIpAddress } from "./ip-address.ts";
import type { OctetString } from "./octets.ts";

const LOCAL_PART_OCTETS_MAX = 64;
const DOMAIN_OCTETS_MAX = 255;
/** A whole path with its source route. RFC 5321 has 256, MTAs read lines of 2,048 octets. */
const PATH_OCTETS_MAX = 4_096;

/** Labels of letters, digits and hyphens as RFC 5321 has it, and the underscore that real senders use. */
const DOMAIN =
  /^[\w\x80-\xff](?:[\w\-\x80-\xff]*[\w\x80-\xff])?(?:\.[\w\x80-\xff](?:[\w\-\x80-\xff]*[\w\x80-\xff])?)*$/;

/**
 * The argument of MAIL FROM or RCPT TO, read as RFC 5321 section 4.1.2 has it (RFC 6531 for octets above
 * 0x7F), angle brackets and source route taken off. `address` is `local@domain` as it was written, with a
 * quoted local part still quoted.
 */
export type Path =
  | { readonly kind: "null" }
  | {
      readonly kind: "mailbox";
      readonly address: OctetString;
      /** With quotes and backslashes taken off. */
      readonly localPart: OctetString;
      /** Lower case, without a final dot; `[…]` for an address literal; empty where there is none. */
      readonly domain: OctetString;
    }
  | { readonly kind: "malformed"; readonly reason: string };

/** How strictly a path is read. */
export interface PathOptions {
  /** Let local parts of more than 64 octets pass (RFC 5321 section 4.5.3.1.1). */
  readonly relaxedLocalPart: boolean;
}

/**
 * Reads a path with or without angle brackets. A source route is read and dropped (RFC 5321 appendix C).
 * Only an empty path is the null path: `<"<>"@example.com>` is a mailbox. A local part without a domain is
 * a mailbox with an empty domain (`<postmaster>`; Sendmail also sends local senders so).
 */
export function parsePath(argument: OctetString, { relaxedLocalPart }: PathOptions): Path {
  if (argument.length > PATH_OCTETS_MAX) return malformed(`path is longer than ${PATH_OCTETS_MAX} octets`);
  const inner = bracketed(argument.trim());
  if (inner === undefined) return malformed("angle brackets do not match");
  if (inner === "") return { kind: "null" };
  const mailbox = withoutSourceRoute(inner);
  if (mailbox === undefined) return malformed("source route is not in the form @domain,@domain:");
  const local = readLocalPart(mailbox);
  if (local === undefined) return malformed("local part is neither an atom nor a quoted string");
  if (local.value.length > LOCAL_PART_OCTETS_MAX && !relaxedLocalPart) {
    return malformed(`local part is longer than ${LOCAL_PART_OCTETS_MAX} octets`);
  }
  if (local.end === mailbox.length)
    return { kind: "mailbox", address: mailbox, localPart: local.value, domain: "" };
  if (mailbox[local.end] !== "@") return malformed("local part is not followed by @");
  const domain = readDomain(mailbox.slice(local.end + 1));
  if (domain === undefined) return malformed("domain is neither a domain name nor an address literal");
  return { kind: "mailbox", address: mailbox, localPart: local.value, domain };
}

function malformed(reason: string): Path {
  return { kind: "malformed", reason };
}

/** What is between the brackets, or the whole text where there are none; undefined for one without the other. */
function bracketed(text: OctetString): OctetString | undefined {
  if (text.startsWith("<")) return text.endsWith(">") && text.length > 1 ? text.slice(1, -1) : undefined;
  return text.endsWith(">") ? undefined : text;
}

function withoutSourceRoute(path: OctetString): OctetString | undefined {
  if (!path.startsWith("@")) return path;
  const colon = path.indexOf(":");
  const hops = colon === -1 ? [] : path.slice(0, colon).split(",");
  const valid =
    hops.length > 0 && hops.every((hop) => hop.startsWith("@") && readDomain(hop.slice(1)) !== undefined);
  return valid && colon + 1 < path.length ? path.slice(colon + 1) : undefined;
}

/** The local part at the start of a mailbox, unquoted, and where it ends. */
function readLocalPart(mailbox: OctetString): { value: OctetString; end: number } | undefined {
  if (mailbox.startsWith('"')) return readQuotedString(mailbox);
  // RFC 5321 section 4.1.2 with RFC 6531 section 3.3: atext and octets above 0x7F. Dots may stand anywhere:
  // mailboxes such as `.a..b.@example.jp` exist, and the MTA has let them pass.
  const end = mailbox.search(/[^\w!#$%&'*+\-/=?^`{|}~.\x80-\xff]/);
  if (end === 0) return undefined;
  return end === -1 ? { value: mailbox, end: mailbox.length } : { value: mailbox.slice(0, end), end };
}

function readQuotedString(text: OctetString): { value: OctetString; end: number } | undefined {
  let value = "";
  for (let at = 1; at < text.length; at++) {
    let char = text.charAt(at);
    if (char === '"') return { value, end: at + 1 };
    if (char === "\\") char = text.charAt(++at);
    // qtextSMTP and quoted-pairSMTP are the printable octets; controls are in neither.
    if (char < " " || char === "\x7f" || char === "") return undefined;
    value += char;
  }
  return undefined;
}

function readDomain(text: OctetString): OctetString | undefined {
  if (text.length > DOMAIN_OCTETS_MAX) return undefined;
  if (text.startsWith("[")) return isAddressLiteral(text) ? text.toLowerCase() : undefined;
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  return DOMAIN.test(name) ? asciiLowerCase(name) : undefined;
}

/** `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 section 4.1.3). */
function isAddressLiteral(text: OctetString): boolean {
  const inner = /^\[(.*)\]$/.exec(text)?.[1];
  if (inner === undefined) return false;
  const ipv6 = /^ipv6:(.*)$/i.exec(inner)?.[1];
  return ipv6 === undefined ? parseIpAddress(inner)?.family === 4 : parseIpAddress(ipv6)?.family === 6;
}

/** Octets above 0x7F are pieces of UTF-8 characters: they have no case of their own. */
export function asciiLowerCase(text: OctetString): OctetString {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
}

/** A quoted string, a quoted pair, white space, a run of plain octets, or one octet that means something. */
const PIECE = /"(?:[^"\\]|\\.)*"|\\.|[ \t]+|[^ \t"\\()<>@]+|./y;
/** White space next to one of these separates nothing. */
const SEPARATOR = /[@.,:;]/;
const SPECIAL = /[()<>,;:\\"[\]@ ]/;

/**
 * Reads the argument of MAIL FROM where it is not a path of RFC 5321, as a lenient MTA does: the domain counts that the
 * MTA takes the message for. Sendmail passes such arguments on unchanged, and itself reads RFC 822 in them: the last
 * `<…>` is the address and all around it a phrase, comments are nothing, white space between words is a dot, a final
 * semicolon ends a group. A domain that still has a special character in it cannot be read.
 */
export function parseOddPath(argument: OctetString): Path {
  // No client writes these but to end a line of somebody's.
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(argument)) return malformed("it contains a control character");
  const read = lastAddress(argument);
  if ("fault" in read) return malformed(read.fault);
  const address = withoutFinal(";", read.text.replace(/^@[^:]*:/, ""));
  const path = parsePath(`<${address}>`, { relaxedLocalPart: true });
  if (path.kind === "mailbox" && path.domain !== "") return path;
  const at = lastAt(address);
  const domain = bareDomain(address.slice(at + 1));
  if (at === -1 || domain === "") return malformed("the domain is missing");
  if (SPECIAL.test(domain) && !isAddressLiteral(domain)) {
    return malformed("domain is neither a domain name nor an address literal");
  }
  return { kind: "mailbox", address, localPart: address.slice(0, at), domain };
}

/** What the last angle brackets hold, or all of it where there are none, without comments and white space. */
function lastAddress(argument: OctetString): { readonly text: OctetString } | { readonly fault: string } {
  let text = "";
  /** The last octet of the text, which is in pieces still: to ask for it would join them each time. */
  let last = "";
  let bracketed: OctetString | undefined;
  let isOpen = false;
  let brackets = 0;
  let comments = 0;
  let gap = false;
  for (const piece of pieces(argument)) {
    if (piece === "(") comments++;
    else if (comments > 0) {
      if (piece === ")") comments--;
      gap = true;
    } else if (piece === "<") {
      brackets++;
      isOpen = true;
      text = "";
    } else if (piece === ">") {
      if (--brackets < 0) return { fault: "angle brackets do not match" };
      if (isOpen) bracketed = text;
      isOpen = false;
      text = "";
    } else if (piece === '"') return { fault: "a quoted string is not closed" };
    else if (/^[ \t]/.test(piece)) gap = true;
    else {
      const apart = gap && text !== "" && !SEPARATOR.test(last) && !SEPARATOR.test(piece.charAt(0));
      text += apart ? `.${piece}` : piece;
      last = piece.slice(-1);
      gap = false;
    }
  }
  if (comments > 0) return { fault: "a comment is not closed" };
  if (brackets > 0) return { fault: "angle brackets do not match" };
  return { text: bracketed ?? text };
}

/** Where the last `@` is that is neither quoted nor escaped; -1 where there is none. */
function lastAt(address: OctetString): number {
  let at = -1;
  let end = 0;
  for (const piece of pieces(address)) {
    if (piece === "@") at = end;
    end += piece.length;
  }
  return at;
}

/** In a comment a quote means nothing, so that it is a piece of its own there. */
function* pieces(text: OctetString): Generator<OctetString> {
  let comments = 0;
  for (let at = 0; at < text.length; ) {
    PIECE.lastIndex = at;
    let piece = PIECE.exec(text)?.[0] ?? "";
    if (comments > 0 && piece.startsWith('"')) piece = '"';
    if (piece === "(") comments++;
    else if (piece === ")" && comments > 0) comments--;
    at += piece.length;
    yield piece;
  }
}

/** Without this octet at the end, however often it is there; a pattern would look at a long run of them once for each. */
function withoutFinal(octet: string, text: OctetString): OctetString {
  let end = text.length;
  while (end > 0 && text.charAt(end - 1) === octet) end--;
  return text.slice(0, end);
}

/** In lower case, without final dots, and without brackets around a name. */
function bareDomain(text: OctetString): OctetString {
  const domain = asciiLowerCase(withoutFinal(".", text));
  return isAddressLiteral(domain) ? domain : domain.replace(/^\[([^[\]]*)\]$/, "$1");
}
