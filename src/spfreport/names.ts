/** The names and addresses of a log: how a report shows them, and whose they are. */
import { isWithinDomain, type Network, networkContains, ownText, parseIpAddress } from "../address/index.ts";

const LENGTH_MAX = 160;

/** A value out of the log as a report shows it: printable ASCII in one piece, at most 160 characters. */
export function shown(text: string): string {
  const clean = text
    .slice(0, LENGTH_MAX + 1)
    .replace(/[^\x20-\x7e]/g, (char) => `\\x${(char.charCodeAt(0) & 0xff).toString(16).padStart(2, "0")}`);
  return ownText(clean.length > LENGTH_MAX ? `${clean.slice(0, LENGTH_MAX - 3)}...` : clean);
}

/** The domain whose policy a message was judged by: the sender's, or the HELO name where the sender is null. */
export function policyDomain(from: string, helo: string): string {
  const domain = from === "" ? helo : from.slice(from.lastIndexOf("@") + 1);
  return (domain.endsWith(".") ? domain.slice(0, -1) : domain).toLowerCase();
}

/** What belongs to the operator. */
export interface Ours {
  /** Networks named with --local. */
  readonly networks: readonly Network[];
  /** Domains named with --local, in lower case; their subdomains are ours, too. */
  readonly domains: readonly string[];
  /** Networks that smf-spf.conf exempts as ours: WhitelistIP, TrustedRelay. */
  readonly exempt: readonly Network[];
}

/** Whether an address is in one of the networks; a text that is not an address is in none. */
export function isInNetworks(ip: string, networks: readonly Network[]): boolean {
  if (networks.length === 0) return false;
  const address = parseIpAddress(ip);
  return address !== undefined && networks.some((network) => networkContains(network, address));
}

export function isOurDomain(domain: string, { domains }: Ours): boolean {
  return domains.some((own) => isWithinDomain(domain, own));
}

/** Whether a text can only be an IPv6 address. */
export function isIpv6(ip: string): boolean {
  return ip.includes(":");
}
