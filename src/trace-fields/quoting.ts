import type { OctetString } from "../address/index.ts";

const DOT_ATOM = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/;
const TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`{|}~]+$/;
const PLAIN_ADDRESS =
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
  return TOKEN.test(text) || PLAIN_ADDRESS.test(text) ? text : quotedString(text);
}

/** The inside of a comment (RFC 5322 section 3.2.2): parentheses and backslashes as quoted-pairs. */
export function commentText(text: OctetString): OctetString {
  return /[()\\]/.test(text) ? text.replace(/[()\\]/g, "\\$&") : text;
}
