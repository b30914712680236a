import {
  type IpAddress,
  isWithinDomain,
  type OctetString,
  parseIpAddress,
  unmapIpv4,
} from "../address/index.ts";
import type { PolicySettings } from "./settings.ts";

/** Who sends the mail: the SMTP client, or the one that a trusted relay has seen. */
export interface Client {
  /** The address that connected; IPv4 where it was IPv4-mapped. */
  readonly ip: IpAddress;
  /** The address that is evaluated, logged and written into fields (ClientIPNAT, FixedClientIP). */
  readonly evaluatedIp: IpAddress;
  /** The host name, where it is verified. */
  readonly name: OctetString | undefined;
  /** The host name of the evaluated address, as far as the MTA has verified it. */
  readonly evaluatedName: OctetString | undefined;
  /** The name, or what the MTA gave instead of one: `[192.0.2.9]`. */
  readonly shownName: OctetString;
}

/** The client at an address under the name that the MTA (or a trusted relay) gave it. */
export function clientAt(
  settings: Pick<PolicySettings, "clientIPNAT" | "fixedClientIP">,
  address: IpAddress,
  hostname: OctetString,
): Client {
  const ip = unmapIpv4(address);
  const evaluatedIp = evaluatedAddress(settings, ip);
  const name = verifiedName(hostname);
  return {
    ip,
    evaluatedIp,
    name,
    evaluatedName: evaluatedIp.text === ip.text ? name : undefined,
    shownName: hostname === "" ? `[${ip.text}]` : hostname,
  };
}

/** The address as an MTA spells it in CONNECT: Sendmail puts `IPv6:` before one, some leave a zone after it. */
export function readClientAddress(text: string): IpAddress | undefined {
  const bare = /^ipv6:/i.test(text) ? text.slice("ipv6:".length) : text;
  const zone = bare.indexOf("%");
  return parseIpAddress(zone === -1 ? bare : bare.slice(0, zone));
}

function evaluatedAddress(
  { clientIPNAT, fixedClientIP }: Pick<PolicySettings, "clientIPNAT" | "fixedClientIP">,
  ip: IpAddress,
): IpAddress {
  const text = clientIPNAT.find(({ from }) => from === ip.text)?.to ?? fixedClientIP;
  const instead = text === undefined ? undefined : parseIpAddress(text);
  return instead === undefined ? ip : unmapIpv4(instead);
}

/**
 * The host name of a client where the MTA has verified it, else undefined: what an MTA sends in place of a name
 * (`[192.0.2.9]`, `unknown`, nothing) is not a name, and neither is an address that a PTR record spells.
 */
export function verifiedName(hostname: OctetString): OctetString | undefined {
  const name = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
  if (name === "" || /[[\]\s\0]/.test(name)) return undefined;
  return name.toLowerCase() === "unknown" || isAddress(name) ? undefined : name;
}

function isAddress(name: OctetString): boolean {
  return /^[\d.]*$|:/.test(name) && parseIpAddress(name) !== undefined;
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
