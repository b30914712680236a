import { domainToASCII } from "node:url";
import { isAscii, type OctetString, textOfOctets } from "./octets.ts";

const LABEL_OCTETS_MAX = 63;
const NAME_OCTETS_MAX = 253;
/** Suffix of a label that is converted by itself, so that it is not taken for an IPv4 number. */
const LAST_LABEL = ".x";
/** A character of UTF-8 has at most 4 octets and at least one in an A-label, so no longer name can be converted. */
const U_LABELS_OCTETS_MAX = 4 * NAME_OCTETS_MAX;

/**
 * The name with every U-label as an A-label (RFC 8616 section 3, RFC 5891); a name of ASCII labels is
 * returned as it is. Undefined where a label is not UTF-8 or not a valid U-label, and for a name that is too long for DNS in
 * any case.
 */
export function toALabels(name: OctetString): OctetString | undefined {
  if (isAscii(name)) return name;
  if (name.length > U_LABELS_OCTETS_MAX) return undefined;
  const text = textOfOctets(name);
  if (text === undefined) return undefined;
  const labels: string[] = [];
  // IDNA knows four full stops (RFC 3490 section 3.1); only the ASCII one may separate ASCII labels here.
  for (const label of text.split(/[.\u3002\uff0e\uff61]/)) {
    const converted = isAscii(label) ? label : aLabelOf(label);
    if (converted === undefined) return undefined;
    labels.push(converted);
  }
  return labels.join(".");
}

/**
 * The A-label of a label that is not all ASCII. domainToASCII reads the host of a URL: it ends at a slash, decodes
 * `%41`, and rewrites a name that ends in a number as an IPv4 address. So what is not a letter, digit, hyphen or
 * underscore is refused before (RFC 5890 section 2.3.2.1), and the label is not the last one it sees.
 */
function aLabelOf(label: string): string | undefined {
  if (/[^\w\-\x80-\u{10ffff}]/u.test(label)) return undefined;
  const converted = domainToASCII(`${label}${LAST_LABEL}`);
  return converted.endsWith(LAST_LABEL) && converted !== LAST_LABEL
    ? converted.slice(0, -LAST_LABEL.length)
    : undefined;
}

/** A domain name without its final dot. */
export function withoutFinalDot(name: OctetString): OctetString {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/**
 * Whether DNS can carry the name: labels of 1 to 63 octets, 253 octets in all (RFC 1035 section 2.3.4).
 * A label may hold any octets; one final dot is allowed.
 */
export function isWireName(name: OctetString): boolean {
  return isBareWireName(withoutFinalDot(name));
}

function isBareWireName(bare: OctetString): boolean {
  if (bare === "" || bare.length > NAME_OCTETS_MAX) return false;
  return bare.split(".").every((label) => label !== "" && label.length <= LABEL_OCTETS_MAX);
}

/**
 * Whether check_host() has a domain to ask about (RFC 7208 section 4.3): at least two labels, none empty or over
 * 63 octets, 253 octets in all, and no address literal. A label may hold any octets.
 */
export function isMultiLabelDomain(name: OctetString): boolean {
  const bare = withoutFinalDot(name);
  return bare.includes(".") && !bare.startsWith("[") && isBareWireName(bare);
}

/**
 * Whether a HELO name can be checked (RFC 7208 section 2.3): a multi-label domain without white space, control
 * characters or brackets, whose last label is not all digits as a bare address has it (RFC 3696 section 2).
 */
export function isHeloDomain(name: OctetString): boolean {
  return isMultiLabelDomain(name) && !/[\0- \x7f[\]]|\.\d+\.?$/.test(name);
}

/** Whether `name` is `ancestor` or lies below it; case-insensitive, at label boundaries, final dots ignored. */
export function isWithinDomain(name: OctetString, ancestor: OctetString): boolean {
  const below = withoutFinalDot(name).toLowerCase();
  const above = withoutFinalDot(ancestor).toLowerCase();
  return below === above || (above !== "" && below.endsWith(`.${above}`));
}

/**
 * Whether a text has the form of a host name of two labels or more: letters, digits, hyphens and underscores, and a last
 * label that no address has. Nothing that means anything in a file or a shell is in such a text.
 */
export function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^(?:[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?\.)+[a-z](?:[a-z\d-]{0,61}[a-z\d])?$/i.test(text)
  );
}
