/** Settings, clients and outcomes as the tables of this directory name them. */

import { bareOutcome, type Outcome, type SpfResult } from "spf-check";
import { type Network, parseIpAddress, parseNetwork } from "../../../src/address/index.ts";
import { clientAt } from "../../../src/policy/client.ts";
import type { AddressPattern, Client, PolicySettings } from "../../../src/policy/index.ts";
import { settingsOf, withoutOrigins } from "../config/reading.ts";

/** The options at their defaults, which test/unit/config/defaults.test.ts lists. */
export const DEFAULTS: PolicySettings = withoutOrigins(settingsOf(""));

export function settingsWith(changes: Partial<PolicySettings>): PolicySettings {
  return { ...DEFAULTS, ...changes };
}

/** A PolicyFor line with the selectors and options given. */
export function line(
  changes: Partial<PolicySettings["policyFor"][number]>,
): PolicySettings["policyFor"][number] {
  return { ip: undefined, ptr: undefined, from: undefined, to: undefined, actions: {}, ...changes };
}

export function net(text: string): Network {
  const parsed = parseNetwork(text);
  if (parsed === undefined) throw new Error(`no network: ${text}`);
  return parsed.network;
}

/** A pattern as the configuration file has it. */
export function pattern(text: string): AddressPattern {
  if (text.startsWith("@")) return { kind: "domain", text: text.slice(1) };
  if (text.endsWith("@")) return { kind: "localPart", text: text.slice(0, -1) };
  if (text.startsWith(".")) return { kind: "subdomains", text: text.slice(1) };
  return { kind: text.includes("@") ? "address" : "substring", text };
}

export function client(ip = "192.0.2.9", hostname = "mx.sender.test", settings = DEFAULTS): Client {
  const address = parseIpAddress(ip);
  if (address === undefined) throw new Error(`no address: ${ip}`);
  return clientAt(settings, address, hostname);
}

export function outcome(result: SpfResult, changes: Partial<Outcome> = {}): Outcome {
  const published = result !== "none" && result !== "temperror" && result !== "permerror";
  return {
    ...bareOutcome(result, "sender.test"),
    mechanism: published ? "-all" : undefined,
    problem: result === "temperror" || result === "permerror" ? `${result} of a name server` : undefined,
    record: published ? "v=spf1 mx -all" : undefined,
    lookups: 1,
    ttlSeconds: 300,
    ...changes,
  };
}
