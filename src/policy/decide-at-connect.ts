import { formatNetwork, networkContains, type OctetString } from "../address/index.ts";
import { type Client, clientAt, readClientAddress } from "./client.ts";
import { matchesHostName } from "./host-name.ts";
import type { PolicySettings } from "./settings.ts";

/** What the MTA says of a connection. */
export interface ConnectionFacts {
  readonly hostname: OctetString;
  readonly family: "unknown" | "unix" | "inet" | "inet6";
  readonly address: string;
}

/** What is to be done with the mail of a connection. */
export type ConnectDecision =
  /** Everything passes unchecked, for the reason told; there is no client where it is no SMTP over IP. */
  | { readonly kind: "pass"; readonly reason: string; readonly client: Client | undefined }
  /** Our own relay: the client is the one that its Received field names. */
  | { readonly kind: "relay"; readonly client: Client }
  | { readonly kind: "check"; readonly client: Client };

/**
 * Decides what a client's address and host name alone decide. TrustedRelay comes first: a relay is often inside
 * a network that WhitelistIP lets pass, and its line says more.
 */
export function decideAtConnect(settings: PolicySettings, facts: ConnectionFacts): ConnectDecision {
  const address =
    facts.family === "inet" || facts.family === "inet6" ? readClientAddress(facts.address) : undefined;
  if (address === undefined) {
    return { kind: "pass", reason: `no IP address (${facts.family})`, client: undefined };
  }
  const client = clientAt(settings, address, facts.hostname);
  if (isTrustedRelay(settings, client)) return { kind: "relay", client };
  const reason = whitelistedClient(settings, client);
  return reason === undefined ? { kind: "check", client } : { kind: "pass", reason, client };
}

/** Whether the client is one of our own relays. */
function isTrustedRelay(settings: PolicySettings, client: Client): boolean {
  return settings.trustedRelay.some((network) => networkContains(network, client.ip));
}

/** The WhitelistIP or WhitelistPTR line that lets a client pass, as a reason for the log. */
export function whitelistedClient(settings: PolicySettings, client: Client): string | undefined {
  const network = settings.whitelistIP.find((block) => networkContains(block, client.ip));
  if (network !== undefined) return `WhitelistIP ${formatNetwork(network)}`;
  const name = settings.whitelistPTR.find((pattern) => matchesHostName(pattern, client.name));
  return name === undefined ? undefined : `WhitelistPTR ${name}`;
}
