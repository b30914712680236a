import { type OctetString, toALabels } from "../address/index.ts";

/** How much of a value from outside is shown in a field: an address of RFC 5321 4.5.3.1 fits whole. */
const LOCAL_PART_OCTETS_MAX = 128;
const DOMAIN_OCTETS_MAX = 255;
const TEXT_OCTETS_MAX = 320;
const CUT = "...";
/** Read beyond what is shown, so that a UTF-8 sequence cut in two is among what is not. */
const MARGIN_OCTETS = 4;

const PRINTABLE = /^[\x20-\x7e]*$/;
/** An address of which nothing has to be changed. */
const PLAIN_ADDRESS = /^[\x20-\x3f\x41-\x7e]*@[\x20-\x3f\x41-\x7e]*$/;

/** Well-formed UTF-8 above ASCII (RFC 3629), without the C1 controls and the separators of lines. */
const UTF8_CHARACTER =
  /^(?:\xc2[\xa0-\xbf]|[\xc3-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|\xe2(?!\x80[\xa8\xa9])[\x80-\xbf]{2}|[\xe1\xe3-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})$/;

/**
 * The octets as text that a field can hold: printable ASCII as it is, UTF-8 as it is where `smtputf8`
 * says the message may carry it (RFC 6532), and everything else as `\x{HEX}`, the form of RFC 6533 section 3.
 */
export function printable(octets: OctetString, smtputf8: boolean): OctetString {
  if (PRINTABLE.test(octets)) return octets;
  return octets.replace(
    /[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|[^\x20-\x7e]/g,
    (character) => {
      if (!UTF8_CHARACTER.test(character)) return escapeOctets(character);
      if (smtputf8) return character;
      const codePoint = Buffer.from(character, "latin1").toString("utf8").codePointAt(0) ?? 0;
      return hexPoint(codePoint);
    },
  );
}

function escapeOctets(octets: OctetString): OctetString {
  return Array.from(octets, (octet) => hexPoint(octet.charCodeAt(0) & 0xff)).join("");
}

function hexPoint(codePoint: number): OctetString {
  return `\\x{${codePoint.toString(16).toUpperCase().padStart(2, "0")}}`;
}

/** Free text, its end cut off where it is long. */
export function printableText(octets: OctetString, smtputf8: boolean): OctetString {
  if (octets.length <= TEXT_OCTETS_MAX && PRINTABLE.test(octets)) return octets;
  const text = printable(startOf(octets, TEXT_OCTETS_MAX), smtputf8);
  return text.length <= TEXT_OCTETS_MAX ? text : headOf(text, TEXT_OCTETS_MAX) + CUT;
}

/**
 * A domain or HELO name. Without SMTPUTF8 its U-labels become A-labels. A name that is too long keeps its
 * right-hand end: `victim.example` must not be what is left of `victim.example.attacker.example`.
 */
export function printableDomain(name: OctetString, smtputf8: boolean): OctetString {
  if (name.length <= DOMAIN_OCTETS_MAX && PRINTABLE.test(name)) return name;
  const labels = smtputf8 ? name : (toALabels(name) ?? name);
  const text = printable(labels.slice(-(DOMAIN_OCTETS_MAX + MARGIN_OCTETS)), smtputf8);
  return text.length <= DOMAIN_OCTETS_MAX ? text : CUT + tailOf(text, DOMAIN_OCTETS_MAX);
}

/**
 * `local@domain`: a long local part loses its end, a long domain its beginning. An `@` in a quoted local part is
 * shown as `\x{40}`: OpenDMARC and others take what follows the first `@` for the domain, and would credit the
 * victim of `"user@victim.example"@attacker.example` with the attacker's pass.
 */
export function printableAddress(address: OctetString, smtputf8: boolean): OctetString {
  if (address.length <= LOCAL_PART_OCTETS_MAX && PLAIN_ADDRESS.test(address)) return address;
  const at = address.lastIndexOf("@");
  if (at < 0) return printableText(address, smtputf8);
  const start = startOf(address.slice(0, at), LOCAL_PART_OCTETS_MAX);
  const local = printable(start, smtputf8).replaceAll("@", "\\x{40}");
  const shown = local.length <= LOCAL_PART_OCTETS_MAX ? local : headOf(local, LOCAL_PART_OCTETS_MAX) + CUT;
  return `${shown}@${printableDomain(address.slice(at + 1), smtputf8)}`;
}

/** No octet becomes less than one, so what follows is never shown, and not looked at. */
function startOf(octets: OctetString, octetsMax: number): OctetString {
  return octets.slice(0, octetsMax + MARGIN_OCTETS);
}

/** Cuts between characters, so that no half of a UTF-8 sequence remains. */
function headOf(text: OctetString, octetsMax: number): OctetString {
  return text.slice(0, octetsMax).replace(/[\xc0-\xff][\x80-\xbf]*$/, "");
}

function tailOf(text: OctetString, octetsMax: number): OctetString {
  return text.slice(-octetsMax).replace(/^[\x80-\xbf]+/, "");
}

const DOT_ATOM = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/;
const TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`{|}~]+$/;
const BARE_ADDRESS =
  /^[A-Za-z0-9!#$%&'*+\-^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-^_`{|}~]+)*@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

/** A quoted-string (RFC 5322 section 3.2.4) of printable octets. */
export function quotedString(text: OctetString): OctetString {
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : `"${text}"`;
}

/** A value of a Received-SPF pair: dot-atom where it is one, else quoted-string (RFC 7208 section 9.1). */
export function dotAtomOrQuoted(text: OctetString): OctetString {
  return DOT_ATOM.test(text) ? text : quotedString(text);
}

/** A `value` of RFC 8601 section 2.2: token where it is one, else quoted-string. */
export function tokenOrQuoted(text: OctetString): OctetString {
  return TOKEN.test(text) ? text : quotedString(text);
}

/**
 * A `pvalue` of RFC 8601 section 2.2. An address stands bare only where no reader can take it for more than
 * one word: `=`, `/` and `?` are legal in a local part, but no token characters.
 */
export function propertyValue(text: OctetString): OctetString {
  return TOKEN.test(text) || BARE_ADDRESS.test(text) ? text : quotedString(text);
}

/** The inside of a comment (RFC 5322 section 3.2.2): parentheses and backslashes as quoted-pairs. */
export function commentText(text: OctetString): OctetString {
  return /[()\\]/.test(text) ? text.replace(/[()\\]/g, "\\$&") : text;
}

/** Under 78 columns, as RFC 5322 section 2.1.1 asks. */
const COLUMNS_MAX = 77;

/**
 * Words joined by spaces, with LF and a space in place of a space where a line would reach column 78. Inside
 * a word nothing is folded, so that a quoted value stays on one line.
 *
 * @param name the field's name, which stands with a colon and a space before the first word
 */
export function fold(name: string, words: readonly OctetString[]): OctetString {
  let column = name.length + 1;
  let value = "";
  for (const word of words) {
    if (value === "") {
      value = word;
      column += 1 + word.length;
    } else if (column + 1 + word.length > COLUMNS_MAX) {
      value += `\n ${word}`;
      column = 1 + word.length;
    } else {
      value += ` ${word}`;
      column += 1 + word.length;
    }
  }
  return value;
}

/**
 * The same for words in one piece, without cutting them out: to be used where every space separates two of them (in
 * a run of spaces the last). That is so in nearly all fields.
 */
export function foldText(name: string, text: OctetString): OctetString {
  let room = COLUMNS_MAX - name.length - 2;
  let value = "";
  let start = 0;
  while (text.length - start > room) {
    const end = partingSpace(text, start, start + room);
    if (end === -1) break;
    value += `${text.slice(start, end)}\n `;
    start = end + 1;
    room = COLUMNS_MAX - 1;
  }
  return value + text.slice(start);
}

/** The last space between words up to `last`; where there is none, the first after it; else -1. */
function partingSpace(text: OctetString, start: number, last: number): number {
  const parts = (at: number): boolean => at + 1 < text.length && text[at + 1] !== " ";
  for (let at = text.lastIndexOf(" ", last); at > start; at = text.lastIndexOf(" ", at - 1)) {
    if (parts(at)) return at;
  }
  let at = text.indexOf(" ", last + 1);
  while (at !== -1 && !parts(at)) at = text.indexOf(" ", at + 1);
  return at;
}

/** The words of a text that does not begin with a space; in a run of spaces only the last separates words. */
export function wordsOf(text: OctetString): OctetString[] {
  return text.split(/ (?=\S)/);
}
