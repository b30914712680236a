import { readFileSync } from "node:fs";
import { isIP } from "node:net";

/** Where questions are sent. */
export interface Nameserver {
  /** An IP address; a link-local one may end in a zone (`fe80::1%eth0`). */
  readonly address: string;
  readonly port: number;
}

/** The port of DNS (RFC 1035 section 4.2). */
export const DNS_PORT = 53;

/** What resolv.conf(5) falls back to. */
const LOCAL: readonly Nameserver[] = [{ address: "127.0.0.1", port: DNS_PORT }];

/**
 * The name servers of a resolv.conf(5) text, in order and each once. All other lines are passed over: time-outs and
 * tries are settings of our own, search lists must not touch names of SPF.
 */
export function parseResolvConf(text: string): Nameserver[] {
  const addresses = new Set<string>();
  for (const line of text.split("\n")) {
    const [keyword, address = ""] = line.trim().split(/\s+/);
    if (keyword === "nameserver" && isIP(address) !== 0) addresses.add(address);
  }
  return [...addresses].map((address) => ({ address, port: DNS_PORT }));
}

/** The name servers of this machine; the one on 127.0.0.1 where the file is missing or names none. */
export function systemNameservers(path = "/etc/resolv.conf"): readonly Nameserver[] {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return LOCAL;
  }
  const servers = parseResolvConf(text);
  return servers.length > 0 ? servers : LOCAL;
}
