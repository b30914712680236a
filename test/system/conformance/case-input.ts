import { type CheckHostInput, type LocalPolicy, parseMechanisms, type SpfRecord } from "spf-check";
import { parseIpAddress } from "../../../src/address/index.ts";
import type { CaseOptions, ConformanceCase } from "./conformance-case.ts";

/** The arguments of check_host() for a case. */
export function inputOf(one: ConformanceCase): CheckHostInput {
  const ip = parseIpAddress(one.host);
  if (ip === undefined) throw new Error(`${one.name}: ${one.host} is no address`);
  const sender = one.mailfrom === "" ? `postmaster@${one.helo}` : one.mailfrom;
  return {
    ip,
    domain: sender.slice(sender.lastIndexOf("@") + 1),
    sender,
    helo: one.helo,
    receiver: one.receiver ?? "receiver.example.net",
    nowSeconds: 1_700_000_000,
    limits: {
      lookupLimit: one.options?.lookupLimit ?? 10,
      voidLookupLimit: one.options?.voidLookupLimit ?? 2,
    },
    localPolicy: localPolicy(one.options ?? {}),
    hints: true,
    trace: false,
  };
}

function localPolicy(options: CaseOptions): LocalPolicy {
  return {
    rules: mechanisms(options.rules),
    guess: mechanisms(options.guess),
    explanation: options.explanation ?? "DEFAULT",
    overrides: new Map(Object.entries(options.overrides ?? {})),
    fallbacks: new Map(Object.entries(options.fallbacks ?? {})),
  };
}

function mechanisms(text: string | undefined): SpfRecord | undefined {
  if (text === undefined) return undefined;
  const parsed = parseMechanisms(text);
  if ("fault" in parsed) throw new Error(`${parsed.fault.term}: ${parsed.fault.reason}`);
  return parsed.record;
}
