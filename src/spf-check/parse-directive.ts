import { type OctetString, parseIpAddress } from "../address/index.ts";
import { parseMacroString } from "./parse-macro-string.ts";
import { printable } from "./printable.ts";
import type { Directive, DualCidr, MacroString, Mechanism, Qualifier, RecordFault } from "./record.ts";

/** Thrown and caught in this file: the reason why a directive does not parse. */
class DirectiveError extends Error {}

/** Reads one directive: a qualifier and a mechanism (RFC 7208 sections 4.6.1, 4.6.2 and 5). */
export function parseDirective(
  term: OctetString,
): { readonly directive: Directive } | { readonly fault: RecordFault } {
  const first = term.charAt(0);
  const qualified = isQualifier(first);
  const body = qualified ? term.slice(1) : term;
  try {
    return {
      directive: { text: term, qualifier: qualified ? first : "+", mechanism: parseMechanism(body) },
    };
  } catch (error) {
    if (error instanceof DirectiveError) return { fault: { term, reason: error.message } };
    throw error;
  }
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
      if (rest !== "") throw new DirectiveError("nothing may follow all");
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
      throw new DirectiveError(
        written === "" ? "a mechanism is missing" : `there is no mechanism "${printable(written)}"`,
      );
  }
}

/** `:domain-spec`, which must be there. */
function requiredTarget(kind: string, rest: OctetString): MacroString {
  if (!rest.startsWith(":")) throw new DirectiveError(`${kind} wants a colon and a domain name`);
  return domainSpec(rest.slice(1));
}

function domainSpec(text: OctetString): MacroString {
  const parsed = parseMacroString(text, "domain-spec");
  if ("fault" in parsed) throw new DirectiveError(parsed.fault.reason);
  return parsed.macroString;
}

/** `[:domain-spec][/n][//m]` (RFC 7208 section 5.3). */
function targetAndCidr(rest: OctetString): {
  readonly target: MacroString | undefined;
  readonly cidr: DualCidr;
} {
  // No domain-spec can end in a slash and digits, so what stands at the end is a prefix length.
  const v6 = cutPrefix(rest, "//");
  const v4 = cutPrefix(v6.before, "/");
  if (cutPrefix(v4.before, "/").digits !== undefined) {
    throw new DirectiveError("prefix lengths are written /n for IPv4, //n for IPv6, and /n//n for both");
  }
  const cidr = { ip4: prefixLength(v4.digits, 32), ip6: prefixLength(v6.digits, 128) };
  if (v4.before === "") return { target: undefined, cidr };
  if (!v4.before.startsWith(":")) throw new DirectiveError("a slash wants a prefix length behind it");
  return { target: domainSpec(v4.before.slice(1)), cidr };
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
    throw new DirectiveError(`"${printable(digits)}" is no prefix length; 0 to ${bits} is`);
  }
  return Number(digits);
}

/** `:address[/n]` of ip4 and ip6 (RFC 7208 section 5.6). */
function addressAndPrefix(
  rest: OctetString,
  family: 4 | 6,
): Pick<Extract<Mechanism, { kind: "ip4" | "ip6" }>, "address" | "prefixLength"> {
  if (!rest.startsWith(":"))
    throw new DirectiveError(`ip${family} wants a colon and an IPv${family} address`);
  const slash = rest.indexOf("/");
  const text = slash === -1 ? rest.slice(1) : rest.slice(1, slash);
  const address = parseIpAddress(text);
  if (address?.family !== family) {
    throw new DirectiveError(`"${printable(text)}" is not an IPv${family} address`);
  }
  const digits = slash === -1 ? undefined : rest.slice(slash + 1);
  return { address, prefixLength: prefixLength(digits, family === 4 ? 32 : 128) };
}
