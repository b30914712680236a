import {
  asciiLowerCase,
  isAscii,
  isWithinDomain,
  type OctetString,
  octetsOfText,
  type Path,
  parsePath,
  toALabels,
} from "../address/index.ts";
import type { AddressPattern } from "./settings.ts";

/** A pattern as it is written in the configuration file. */
export function formatPattern({ kind, text }: AddressPattern): string {
  switch (kind) {
    case "domain":
      return `@${text}`;
    case "localPart":
      return `${text}@`;
    case "subdomains":
      return `.${text}`;
    case "address":
    case "substring":
      return text;
  }
}

/**
 * The pattern that an envelope address matches, or undefined. What is compared is the parsed mailbox, without
 * regard to case: quotes, source routes and final dots make no difference. The null path and a malformed one
 * match nothing. A long list costs no more than a short one, but for its substrings.
 */
export function findPattern(patterns: readonly AddressPattern[], path: Path): AddressPattern | undefined {
  if (patterns.length === 0 || path.kind !== "mailbox") return undefined;
  let index = indexes.get(patterns);
  if (index === undefined) {
    index = indexOf(patterns);
    indexes.set(patterns, index);
  }
  const local = asciiLowerCase(path.localPart);
  const domain = comparableDomain(path.domain);
  return (
    index.addresses.get(`${local}@${domain}`) ??
    index.domains.get(domain) ??
    index.localParts.get(local) ??
    findParent(index.parents, domain) ??
    findSubstring(index.substrings, domain === "" ? local : `${local}@${domain}`)
  );
}

/** Whether an envelope address matches one pattern. */
export function matchesPattern(pattern: AddressPattern, path: Path): boolean {
  let list = singles.get(pattern);
  if (list === undefined) {
    list = [pattern];
    singles.set(pattern, list);
  }
  return findPattern(list, path) !== undefined;
}

/**
 * Whether a verified host name is the pattern's host or lies below it; with a leading dot only below it. Label
 * boundaries count, case and final dots do not.
 */
export function matchesHostName(pattern: string, name: OctetString | undefined): boolean {
  if (name === undefined) return false;
  if (!pattern.startsWith(".")) return pattern !== "" && isWithinDomain(name, pattern);
  const parent = pattern.slice(1);
  return parent !== "" && isWithinDomain(name, parent) && !isWithinDomain(parent, name);
}

interface PatternIndex {
  readonly addresses: Map<string, AddressPattern>;
  readonly domains: Map<string, AddressPattern>;
  readonly localParts: Map<string, AddressPattern>;
  readonly parents: Map<string, AddressPattern>;
  readonly substrings: [string, AddressPattern][];
}

/** Settings never change, so each list is sorted once, when it is first used. */
const indexes = new WeakMap<readonly AddressPattern[], PatternIndex>();
const singles = new WeakMap<AddressPattern, readonly AddressPattern[]>();

function indexOf(patterns: readonly AddressPattern[]): PatternIndex {
  const index: PatternIndex = {
    addresses: new Map(),
    domains: new Map(),
    localParts: new Map(),
    parents: new Map(),
    substrings: [],
  };
  for (const pattern of patterns) {
    const text = asciiLowerCase(isAscii(pattern.text) ? pattern.text : octetsOfText(pattern.text));
    switch (pattern.kind) {
      case "address":
        index.addresses.set(comparableAddress(text), pattern);
        break;
      case "domain":
        index.domains.set(comparableDomain(text), pattern);
        break;
      case "localPart":
        index.localParts.set(comparableLocalPart(text), pattern);
        break;
      case "subdomains":
        index.parents.set(comparableDomain(text), pattern);
        break;
      case "substring":
        index.substrings.push([text, pattern]);
        break;
    }
  }
  // Nothing is inside everything: an empty pattern would let every sender pass.
  index.domains.delete("");
  index.parents.delete("");
  return { ...index, substrings: index.substrings.filter(([text]) => text !== "") };
}

function findParent(
  parents: ReadonlyMap<string, AddressPattern>,
  domain: string,
): AddressPattern | undefined {
  if (parents.size === 0) return undefined;
  for (let dot = domain.indexOf("."); dot !== -1; dot = domain.indexOf(".", dot + 1)) {
    const found = parents.get(domain.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

function findSubstring(
  substrings: readonly [string, AddressPattern][],
  address: string,
): AddressPattern | undefined {
  return substrings.find(([text]) => address.includes(text))?.[1];
}

/** An address of the operator's; a local part may be quoted there as well. */
function comparableAddress(text: string): string {
  const path = parsePath(text, { relaxedLocalPart: true });
  const at = text.lastIndexOf("@");
  const [local, domain] =
    path.kind === "mailbox" ? [path.localPart, path.domain] : [text.slice(0, at), text.slice(at + 1)];
  return `${local}@${comparableDomain(domain)}`;
}

/** A local part of the operator's, which may be quoted. */
function comparableLocalPart(text: string): string {
  const path = parsePath(`${text}@a.test`, { relaxedLocalPart: true });
  return path.kind === "mailbox" ? path.localPart : text;
}

/** As A-labels, so that both spellings of an internationalized domain are one (RFC 5891 section 2.3.2.4). */
function comparableDomain(domain: string): string {
  const ascii = isAscii(domain) ? domain : (toALabels(domain) ?? domain);
  return asciiLowerCase(ascii.endsWith(".") ? ascii.slice(0, -1) : ascii);
}
