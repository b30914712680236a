import { type IpAddress, networkContains, type OctetString, unmapIpv4 } from "../address/index.ts";
import { type Client, clientAt } from "./client.ts";
import { readReceived } from "./received.ts";
import type { PolicySettings } from "./settings.ts";

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
