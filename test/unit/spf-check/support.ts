import { type CheckHostInput, type LocalPolicy, parseMechanisms, type SpfRecord } from "spf-check";
import { parseIpAddress } from "../../../src/address/index.ts";
import { type Driven, drive } from "../../system/conformance/drive.ts";
import { Zone, type ZoneData } from "../../system/conformance/zone.ts";

/** A local policy that adds nothing. */
export const NO_POLICY: LocalPolicy = {
  rules: undefined,
  guess: undefined,
  explanation: undefined,
  overrides: new Map(),
  fallbacks: new Map(),
};

const CLIENT = addressOf("192.0.2.1");

/** The arguments of check_host() for user@example.test at 192.0.2.1, but for what is given. */
export function inputFor(given: Partial<CheckHostInput> = {}): CheckHostInput {
  return {
    ip: CLIENT,
    domain: "example.test",
    sender: "user@example.test",
    helo: "mail.example.test",
    receiver: "mx.here.test",
    nowSeconds: 1_700_000_000,
    limits: { lookupLimit: 10, voidLookupLimit: 2 },
    localPolicy: NO_POLICY,
    hints: false,
    trace: false,
    ...given,
  };
}

/** Evaluates in a zone. */
export function check(zone: ZoneData, given: Partial<CheckHostInput> = {}): Driven {
  const server = new Zone(zone);
  return drive(inputFor(given), (question) => server.answer(question));
}

/** A zone in which example.test publishes one record. */
export function publishing(record: string, others: ZoneData = {}): ZoneData {
  return { "example.test": [{ TXT: record }], ...others };
}

export function addressOf(text: string): CheckHostInput["ip"] {
  const ip = parseIpAddress(text);
  if (ip === undefined) throw new Error(`${text} is no address`);
  return ip;
}

export function mechanisms(text: string): SpfRecord {
  const parsed = parseMechanisms(text);
  if ("fault" in parsed) throw new Error(parsed.fault.reason);
  return parsed.record;
}
