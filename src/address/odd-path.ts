import { asciiLowerCase, isAddressLiteral, type Path, parsePath } from "./mailbox.ts";
import type { OctetString } from "./octets.ts";

/** A quoted string, a quoted pair, white space, a run of plain octets, or one octet that means something. */
const PIECE = /"(?:[^"\\]|\\.)*"|\\.|[ \t]+|[^ \t"\\()<>@]+|./y;
/** White space beside one of these separates nothing. */
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

function malformed(reason: string): Path {
  return { kind: "malformed", reason };
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
