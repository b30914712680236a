import { isWithinDomain, type Network, networkContains, parseIpAddress } from "../address/index.ts";

/** What belongs to the operator. */
export interface Ours {
  /** Networks named with --local. */
  readonly networks: readonly Network[];
  /** Domains named with --local, in lower case; their subdomains are ours, too. */
  readonly domains: readonly string[];
  /** Networks that smf-spf.conf exempts as ours: WhitelistIP, TrustedRelay. */
  readonly exempt: readonly Network[];
}

/** Whether an address is in one of the networks; a text that is no address is in none. */
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
