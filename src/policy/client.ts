import {
  type IpAddress,
  networkContains,
  type OctetString,
  parseIpAddress,
  unmapIpv4,
} from "../address/index.ts";
import { readReceived, verifiedName } from "./received.ts";
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

/** The client of a relay of ours, as the relay's Received field tells it. */
export interface RelayedClient {
  readonly client: Client;
  readonly helo: OctetString;
  /** The client has authenticated itself to the relay (RFC 3848). */
  readonly authenticated: boolean;
}

/** What a Received field of a trusted relay leads to. */
export type RelayHop =
  | { readonly kind: "client"; readonly relayed: RelayedClient }
  /** The client was a relay, too: the next field down was written by that one. */
  | { readonly kind: "relay" }
  | { readonly kind: "unreadable" };

/** Reads the Received field that a trusted relay has put on top of a message. */
export function readRelayHop(settings: PolicySettings, received: OctetString): RelayHop {
  const from = readReceived(received);
  if (from === undefined) return { kind: "unreadable" };
  const ip = unmapIpv4(from.ip);
  if (isRelay(settings, ip)) return { kind: "relay" };
  const client = clientAt(settings, ip, from.verifiedName ?? "");
  return { kind: "client", relayed: { client, helo: from.helo, authenticated: from.authenticated } };
}

/** Another trusted relay, or a filter on the relay itself that hands the message back to it. */
function isRelay({ trustedRelay }: PolicySettings, ip: IpAddress): boolean {
  const isLoopback = ip.family === 4 ? ip.text.startsWith("127.") : ip.text === "::1";
  return isLoopback || trustedRelay.some((network) => networkContains(network, ip));
}
