import {
  isMultiLabelDomain,
  isWireName,
  octetsOfText,
  toALabels,
  withoutFinalDot,
} from "../../address/index.ts";
import type { AddressPattern } from "../../policy/index.ts";
import { shown } from "../lines.ts";
import { bad, good, type Reading, type ValueKind, wordKind } from "./value-kind.ts";

/** A domain of two labels or more, in lower case, U-labels as A-labels. */
export const domainName: ValueKind<string> = wordKind(
  "a domain name such as example.net",
  (word) => {
    const name = hostNameOf(word);
    return name !== undefined && isMultiLabelDomain(name) ? good(name) : bad("is no domain name");
  },
  String,
);

/** A host name that stands for itself and what is below it, or `.domain` for what is below only. */
export const hostPattern: ValueKind<string> = wordKind(
  "host.example.net (itself and below) or .example.net (below only)",
  (word) => {
    const name = hostNameOf(word.replace(/^\./, ""));
    if (name === undefined) return bad(whyNoHostPattern(word));
    const pattern = word.startsWith(".") ? `.${name}` : name;
    if (name !== "unknown") return good(pattern);
    return good(pattern, `"unknown" is what an MTA says of a host without a verified name; it never matches`);
  },
  String,
);

function whyNoHostPattern(word: string): string {
  if (word.includes("*")) return "is no host name: * is no wildcard, .example.net has that meaning";
  if (/^\[|:|^[\d.]*\d[\d.]*$/.test(word)) return "is an address, which belongs to WhitelistIP";
  return "is no host name";
}

/** A host name in lower case, U-labels as A-labels, without its final dot. */
function hostNameOf(text: string): string | undefined {
  const name = toALabels(octetsOfText(withoutFinalDot(text)));
  if (name === undefined || !isWireName(name)) return undefined;
  // A last label of digits only would be an address (RFC 3696 section 2).
  return /^[\w.-]+$/.test(name) && !/(?:^|\.)\d+$/.test(name) ? name.toLowerCase() : undefined;
}

/** The patterns of senders and recipients; matched without regard to upper and lower case. */
export const addressPattern: ValueKind<AddressPattern> = wordKind(
  "user@example.net, @example.net, user@ or .example.net",
  (word) => {
    const reading = readPattern(word);
    if ("fault" in reading || !word.includes(",")) return reading;
    return good(reading.value, ...reading.warnings, `${shown(word)} is one pattern, comma and all`);
  },
  formatPattern,
);

function readPattern(word: string): Reading<AddressPattern> {
  const text = word.replace(/^<(.*)>$/, "$1");
  if (text === "") return bad("is the null sender, which SkipNDR is for");
  const at = text.lastIndexOf("@");
  if (at === -1) return text.startsWith(".") ? subdomains(text) : substring(text);
  const local = text.slice(0, at);
  const domain = withoutFinalDot(text.slice(at + 1));
  if (text === "@" || /[<>]/.test(local)) return bad("is no address pattern");
  if (domain === "") return good(pattern("localPart", local));
  if (!isDomainText(domain)) return bad("has no domain name after the @");
  if (local === "") return good(pattern("domain", domain));
  const address = pattern("address", `${local}@${domain}`);
  if (local !== "*") return good(address);
  return good(address, `* is no wildcard; ${shown(`@${domain}`)} matches the whole domain`);
}

function formatPattern({ kind, text }: AddressPattern): string {
  const marked = {
    address: text,
    domain: `@${text}`,
    localPart: `${text}@`,
    subdomains: `.${text}`,
    substring: text,
  }[kind];
  // Angle brackets around it are taken off, and file: would name a list file.
  return /^(?:<.*>|file:.*)$/is.test(marked) ? `<${marked}>` : marked;
}

function subdomains(text: string): Reading<AddressPattern> {
  const domain = withoutFinalDot(text.slice(1));
  return isDomainText(domain) ? good(pattern("subdomains", domain)) : bad("is no address pattern");
}

function substring(text: string): Reading<AddressPattern> {
  return good(
    pattern("substring", text),
    `${shown(text)} has no @: it matches anywhere in an address, also inside other domains`,
  );
}

/** A name, with U-labels or A-labels as it may, or an address literal. */
function isDomainText(text: string): boolean {
  return isWireName(octetsOfText(text)) && !/[\s<>]/.test(text);
}

function pattern(kind: AddressPattern["kind"], text: string): AddressPattern {
  return { kind, text: text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) };
}

/** The name of a user or group; whether it exists is found out at start. */
export const accountName: ValueKind<string> = wordKind(
  "the name of an account",
  (word) => (/^[\w][\w.-]{0,31}$/.test(word) ? good(word) : bad("is no name of an account")),
  String,
);

/** A file by its full path. */
export const filePath: ValueKind<string> = wordKind(
  "the full path of a file, beginning with /",
  (word) => (word.startsWith("/") && !word.endsWith("/") ? good(word) : bad("is no full path of a file")),
  String,
);

/** A recipient as QuarantineBox takes it: `user` or `user@domain`, without angle brackets. */
export const recipient: ValueKind<string> = wordKind(
  "an address such as spambox@example.net, or a local user",
  (word) => {
    const address = word.replace(/^<(.*)>$/, "$1");
    return /^[\w!#$%&'*+\-/=?^`{|}~.]+(?:@[\w.-]+)?$/.test(address) ? good(address) : bad("is no address");
  },
  String,
);
