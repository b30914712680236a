/** A smf-spf.conf from the control files of the qmail SPF patch, and from the rules of tcpserver. */
import { withoutFaults } from "./migrate.ts";

/** The control files that the patch read; what is missing is undefined. */
export interface QmailControl {
  readonly spfbehavior: string | undefined;
  readonly spfrules: string | undefined;
  readonly spfguess: string | undefined;
  readonly spfexp: string | undefined;
}

/** @param tcprules the text that tcprules(1) compiles, such as /etc/tcp.smtp */
export function migrateQmail(control: QmailControl, tcprules: string | undefined): string[] {
  const behavior = behaviorOf(firstLine(control.spfbehavior)) ?? 0;
  const rules = readRules(tcprules ?? "", behavior);
  const changed = rules.fallback === behavior ? [] : ["# The rule of tcpserver for every client sets:"];
  const lines = [
    "# Made from the control files of qmail by smf-spf --migrate. Check it with smf-spf -t.",
    "",
    "# 127.0.0.1 always got pass.",
    "WhitelistIP 127.0.0.1",
    "WhitelistIP ::1",
    "",
    control.spfbehavior === undefined
      ? "# There is no control/spfbehavior, which meant 0:"
      : "# control/spfbehavior:",
    ...changed,
    `SPFBehavior ${rules.fallback}`,
    "# The patch refused at RCPT:",
    "RejectAt rcpt",
    ...optionLines("SPFRules", "spfrules", control.spfrules),
    ...optionLines("SPFGuess", "spfguess", control.spfguess),
    ...optionLines("SPFExplanation", "spfexp", control.spfexp),
    ...(tcprules === undefined ? [] : ["", "# The rules of tcpserver:", ...rules.lines]),
  ];
  return withoutFaults(lines);
}

function firstLine(text: string | undefined): string {
  return (text ?? "").split(/\r?\n/)[0]?.trim() ?? "";
}

function optionLines(option: string, file: string, text: string | undefined): string[] {
  const value = firstLine(text);
  if (value === "") return [];
  const guess =
    option === "SPFGuess" ? ["# A guess is recorded in X-SPF-Guess; the SPF result stays none."] : [];
  return [...guess, `# control/${file}:`, `${option} "${value.replace(/["\\]/g, "\\$&")}"`];
}

/** More than 6 was as 6. */
function behaviorOf(text: string): number | undefined {
  return /^\d+$/.test(text) ? Math.min(6, Number(text)) : undefined;
}

/** What a rule sets for the clients that it is for; the most specific rule alone counts. */
interface Effect {
  readonly relay: boolean;
  readonly behavior: number;
}

interface Rule extends Effect {
  readonly address: string;
}

/** A rule as it is written: without SPFBEHAVIOR the control file holds. */
type WrittenRule = Omit<Rule, "behavior"> & { readonly behavior: number | undefined };

/** IPv4 addresses from first to last, both included. */
interface Range extends Effect {
  readonly first: number;
  readonly last: number;
}

/** The rules in our words, and the step for clients that no other rule is for. */
function readRules(text: string, behavior: number): { readonly lines: string[]; readonly fallback: number } {
  const comments: string[] = [];
  const rules: Rule[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const rule = readRule(line);
    if (typeof rule === "string") comments.push(`# not taken over, ${rule}: ${line}`);
    else rules.push({ ...rule, behavior: rule.behavior ?? behavior });
  }
  const fallback = rules.find(({ address }) => address === "")?.behavior ?? behavior;
  const addresses = rules.filter(({ address }) => !/^(?:=|$)/.test(address));
  const hosts = rules.filter(({ address }) => address.startsWith("="));
  const ranges = paint(addresses);
  return {
    fallback,
    lines: [
      ...comments,
      ...ranges
        .filter(({ relay }) => relay)
        .flatMap((range) => networks(range).map((net) => `WhitelistIP ${net}`)),
      ...hosts.filter(({ relay }) => relay).flatMap(({ address }) => whitelistPtr(address.slice(1))),
      ...(hosts.length === 0
        ? ranges.filter(({ relay, behavior: own }) => !relay && own !== fallback).flatMap(policyLines)
        : linesInOrder(addresses, hosts)),
    ],
  };
}

/** Of the lines that match a client the last wins: domains, then networks, then hosts, then addresses. */
function linesInOrder(addresses: readonly Rule[], hosts: readonly Rule[]): string[] {
  const isWhole = ({ address }: Rule): boolean => octetsOf(address)?.length === 4;
  const isDomain = ({ address }: Rule): boolean => address.startsWith("=.");
  const ptrLine = ({ address, behavior }: Rule): string =>
    `PolicyFor ptr=${address.slice(1)} SPFBehavior=${behavior}`;
  const byLength = (a: Rule, b: Rule): number => a.address.length - b.address.length;
  return [
    ...hosts.filter(isDomain).sort(byLength).map(ptrLine),
    ...paint(addresses.filter((rule) => !isWhole(rule))).flatMap(policyLines),
    ...hosts.filter((rule) => !isDomain(rule)).map(ptrLine),
    ...paint(addresses.filter(isWhole)).flatMap(policyLines),
  ];
}

/** `address:allow,VARIABLE="value",…`; the quotation mark may be any character. A reason where it is not for us. */
function readRule(line: string): WrittenRule | string {
  const [, address = "", what = "", rest = ""] =
    /^((?:[^:\[]|\[[^\]]*\])*?):(allow|deny)(.*)$/.exec(line) ?? [];
  if (what === "") return "it is not a rule for IPv4 addresses or host names";
  if (what === "deny") return "the client is refused before the message";
  const variables = new Map<string, string>();
  for (const [, name = "", , value = ""] of rest.matchAll(/,([^=,]+)=(.)(.*?)\2/g))
    variables.set(name, value);
  const relay = variables.has("RELAYCLIENT");
  const behavior = behaviorOf(variables.get("SPFBEHAVIOR") ?? "");
  if (address.includes("@")) return "it asks the client for the name of the user";
  if (address === "" && relay) return "it lets every client relay";
  if (address.startsWith("="))
    return address === "=" || !/^=[\w.-]+$/.test(address)
      ? "there is no host name"
      : { address, relay, behavior };
  return octetsOf(address) === undefined ? "it is not an IPv4 address" : { address, relay, behavior };
}

/** The octets of `10.1.2-5.` as ranges; undefined where it is not an address. The empty address is every client. */
function octetsOf(address: string): (readonly [number, number])[] | undefined {
  if (address === "") return [];
  const parts = address.endsWith(".") ? address.slice(0, -1).split(".") : address.split(".");
  if (parts.length > 4 || (parts.length < 4 && !address.endsWith("."))) return undefined;
  if (parts.length === 4 && address.endsWith(".")) return undefined;
  const octets = parts.map((part) => {
    const [, from = "", to = from] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(part) ?? [];
    return from === "" ? undefined : ([Number(from), Number(to)] as const);
  });
  if (octets.some((pair) => pair === undefined || pair[1] > 255 || pair[0] > pair[1])) return undefined;
  return octets.flatMap((pair) => (pair === undefined ? [] : [pair]));
}

/** The ranges that rules leave: longer addresses over shorter ones, of equal ones the first. */
function paint(rules: readonly Rule[]): Range[] {
  const inOrder = [...rules]
    .reverse()
    .map((rule) => ({ rule, octets: octetsOf(rule.address) ?? [] }))
    .sort((a, b) => a.octets.length - b.octets.length);
  let ranges: Range[] = [];
  for (const { rule, octets } of inOrder) {
    for (const [first, last] of rangesOf(octets)) {
      ranges = [...ranges.flatMap((range) => without(range, first, last)), { ...rule, first, last }];
    }
  }
  return ranges.sort((a, b) => a.first - b.first);
}

/** A range of octets in front makes as many ranges of addresses. */
function rangesOf(octets: readonly (readonly [number, number])[]): [number, number][] {
  let ranges: [number, number][] = [[0, 0]];
  for (const [from, to] of octets) {
    ranges = ranges.flatMap(([first]) => {
      return Array.from({ length: to - from + 1 }, (_, i): [number, number] => [first * 256 + from + i, 0]);
    });
  }
  const size = 256 ** (4 - octets.length);
  const merged: [number, number][] = [];
  for (const [first] of ranges) {
    const previous = merged.at(-1);
    if (previous !== undefined && previous[1] + 1 === first * size) previous[1] += size;
    else merged.push([first * size, first * size + size - 1]);
  }
  return merged;
}

function without(range: Range, first: number, last: number): Range[] {
  if (last < range.first || first > range.last) return [range];
  return [
    ...(range.first < first ? [{ ...range, last: first - 1 }] : []),
    ...(range.last > last ? [{ ...range, first: last + 1 }] : []),
  ];
}

/** The fewest networks that are exactly the range. */
function networks({ first, last }: Range): string[] {
  const found: string[] = [];
  let from = first;
  while (from <= last) {
    let bits = 0;
    while (bits < 32 && from % 2 ** (bits + 1) === 0 && from + 2 ** (bits + 1) - 1 <= last) bits++;
    const octets = [24, 16, 8, 0].map((shift) => Math.floor(from / 2 ** shift) % 256);
    found.push(bits === 0 ? octets.join(".") : `${octets.join(".")}/${32 - bits}`);
    from += 2 ** bits;
  }
  return found;
}

function policyLines(range: Range): string[] {
  return networks(range).map((net) => `PolicyFor ip=${net} SPFBehavior=${range.behavior}`);
}

function whitelistPtr(name: string): string[] {
  return [...(name.startsWith(".") ? [] : [`# also hosts below ${name}:`]), `WhitelistPTR ${name}`];
}
