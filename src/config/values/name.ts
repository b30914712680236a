import {
  isMultiLabelDomain,
  isWireName,
  octetsOfText,
  toALabels,
  withoutFinalDot,
} from "../../address/index.ts";
import type { AddressPattern } from "../../policy/index.ts";
import { shown } from "../lines.ts";
import { invalid, ok, type Reading, type ValueKind, wordKind } from "./value-kind.ts";

/** A domain of two labels or more, in lower case, U-labels as A-labels. */
export const domainName: ValueKind<string> = wordKind(
  "domain name",
  "a domain name such as example.net",
  (word) => {
    const name = hostNameOf(word);
    return name !== undefined && isMultiLabelDomain(name) ? ok(name) : invalid();
  },
  String,
);

/** A host name, for itself and what is below it, or `.domain` for what is below only. */
export const hostPattern: ValueKind<string> = wordKind(
  "host name",
  "host.example.net (itself and below) or .example.net (below only)",
  (word) => {
    const name = hostNameOf(word.replace(/^\./, ""));
    if (name === undefined) return invalid(whyNoHostPattern(word));
    const pattern = word.startsWith(".") ? `.${name}` : name;
    if (name === "unknown") {
      return ok(
        pattern,
        `"unknown" never matches: it is what an MTA reports for a host without a verified name`,
      );
    }
    return isTopLevel(name)
      ? ok(pattern, `matches every host below the top-level domain "${name}"`)
      : ok(pattern);
  },
  String,
);

/** A single label that is a whole top-level domain, and not a name of this network. */
function isTopLevel(name: string): boolean {
  return !name.includes(".") && !/^(?:localhost|\[.*|)$/i.test(name);
}

function whyNoHostPattern(word: string): string {
  if (word.includes("*")) return '"*" is not a wildcard, write .example.net';
  if (/^\[|:|^[\d.]*\d[\d.]*$/.test(word)) return "addresses belong in WhitelistIP";
  return "";
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
  "address pattern",
  "user@example.net, @example.net, user@ or .example.net",
  (word) => {
    const reading = readPattern(word);
    if ("fault" in reading) return reading;
    return ok(reading.value, ...reading.warnings, ...doubtsAbout(word, reading.value));
  },
  formatPattern,
);

function doubtsAbout(word: string, { kind, text }: AddressPattern): string[] {
  const doubts: string[] = [];
  if (word.includes(",")) {
    doubts.push(`${shown(word)} is read as one pattern, comma included: give one address pattern per line`);
  }
  if (word.includes("*")) {
    const [, domain] = /^\*+@\.?([^*]+)$/.exec(text) ?? /^\*+\.([^*]+)$/.exec(text) ?? [];
    const instead =
      domain === undefined
        ? ""
        : `; use ${shown(`@${domain}`)} for the domain, ${shown(`.${domain}`)} for its subdomains`;
    doubts.push(`this line matches no real address: "*" is not a wildcard${instead}`);
  } else if ((kind === "domain" || kind === "subdomains") && isTopLevel(text)) {
    doubts.push(`matches every address below the top-level domain "${text}"`);
  } else if (kind === "substring") {
    doubts.push(`${shown(text)} has no @: it matches anywhere in an address, including other domains`);
  }
  return doubts;
}

function readPattern(word: string): Reading<AddressPattern> {
  const text = word.replace(/^<(.*)>$/, "$1");
  if (text === "") return invalid("for the null sender use SkipNDR");
  const at = text.lastIndexOf("@");
  if (at === -1) return text.startsWith(".") ? subdomains(text) : ok(pattern("substring", text));
  const local = text.slice(0, at);
  const domain = withoutFinalDot(text.slice(at + 1));
  if (text === "@" || /[<>]/.test(local)) return invalid();
  if (domain === "") return ok(pattern("localPart", local));
  if (!isDomainText(domain)) return invalid("the domain name after @ is missing");
  if (local === "") return ok(pattern("domain", domain));
  return ok(pattern("address", `${local}@${domain}`));
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
  return isDomainText(domain) ? ok(pattern("subdomains", domain)) : invalid();
}

/** A name, with U-labels or A-labels as it may, or an address literal. */
function isDomainText(text: string): boolean {
  return isWireName(octetsOfText(text)) && !/[\s<>]/.test(text);
}

function pattern(kind: AddressPattern["kind"], text: string): AddressPattern {
  return { kind, text: text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) };
}

/** The name or number of a user or group; whether it exists is found out at start. */
export const accountName: ValueKind<string> = wordKind(
  "account",
  "the name or number of an account",
  (word) => (/^[\w][\w.-]{0,31}$/.test(word) ? ok(word) : invalid()),
  String,
);

/** A file by its full path. */
export const filePath: ValueKind<string> = wordKind(
  "path",
  "the full path of a file, beginning with /",
  (word) => (word.startsWith("/") && !word.endsWith("/") ? ok(word) : invalid()),
  String,
);

/** A recipient as QuarantineBox takes it: `user` or `user@domain`, without angle brackets. */
export const recipient: ValueKind<string> = wordKind(
  "address",
  "an address such as spambox@example.net, or a local user",
  (word) => {
    const address = word.replace(/^<(.*)>$/, "$1");
    return /^[\w!#$%&'*+\-/=?^`{|}~.]+(?:@[\w.-]+)?$/.test(address) ? ok(address) : invalid();
  },
  String,
);
