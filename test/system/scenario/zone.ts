import { isIP } from "node:net";
import type { Zone, ZoneEntry } from "../../support/nameserver/index.ts";
import type { ScenarioLine } from "./lines.ts";

const SPEAKS_FOR_ALL = /^(TIMEOUT|SERVFAIL|REFUSED|FORMERR|NOTIMP|NXDOMAIN)$/;
const LINE = /^(\S+)(?: ttl=(\d+))? ([A-Z]+)(?: +(.*))?$/s;

/**
 * Reads `owner [ttl=seconds] TYPE data`. The owner of a PTR record may be an address; a TXT record is the rest of
 * the line, or quoted strings; `!SERVFAIL` as data is the answer to that type, `SERVFAIL` or `TIMEOUT` instead of
 * a type the answer to all.
 */
export function readZone(
  lines: readonly ScenarioLine[],
  fault: (line: number, reason: string) => Error,
): { zone: Zone; remembers: boolean } {
  const zone: Record<string, ZoneEntry[]> = {};
  let remembers = false;
  for (const { number, text } of lines) {
    const [, owner = "", ttl, type = "", data = ""] = LINE.exec(text) ?? [];
    if (type === "") throw fault(number, "a record is `owner [ttl=seconds] TYPE data`");
    const entries = (zone[isIP(owner) === 0 ? owner : reverseName(owner)] ??= []);
    if (SPEAKS_FOR_ALL.test(type)) {
      entries.push(type as ZoneEntry);
      continue;
    }
    remembers ||= ttl !== undefined;
    const value = data.startsWith("!") ? { rcode: data.slice(1) } : recordData(type, data);
    if (value === undefined) throw fault(number, `no ${type} record: ${data}`);
    entries.push({ [type]: value, ...(ttl === undefined ? {} : { ttl: Number(ttl) }) });
  }
  return { zone, remembers };
}

function recordData(type: string, data: string): unknown {
  switch (type) {
    case "A":
      return isIP(data) === 4 ? data : undefined;
    case "AAAA":
      return isIP(data) === 6 ? data : undefined;
    case "PTR":
    case "CNAME":
      return data === "" ? undefined : data;
    case "MX": {
      const [, preference, exchange] = /^(\d+) (\S+)$/.exec(data) ?? [];
      return exchange === undefined ? undefined : [Number(preference), exchange];
    }
    case "TXT":
      return data.startsWith('"') ? [...data.matchAll(/"([^"]*)"/g)].map(([, text]) => text) : data;
    default:
      return undefined;
  }
}

/** The name whose PTR records tell an address's names (RFC 1035 section 3.5, RFC 3596 section 2.5). */
export function reverseName(address: string): string {
  if (isIP(address) === 4) return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  const digits = expandIpv6(address)
    .split(":")
    .flatMap((group) => group.padStart(4, "0").match(/./g) ?? []);
  return `${digits.reverse().join(".")}.ip6.arpa`;
}

/** Eight groups without leading zeros, as Sendmail writes an IPv6 address. */
export function expandIpv6(address: string): string {
  const [head = "", tail] = address.toLowerCase().split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array<string>(zeros).fill("0"), ...after]
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":");
}
