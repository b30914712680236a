/** An answer as plain values, for a file or another host, and back: nothing that comes back is trusted. */
import type { Answer, Question, RecordData, RecordType } from "spf-check";
import { isWireName, type OctetString, parseIpAddress } from "../address/index.ts";
import { isAskable } from "./messages.ts";

/** An answer that may be kept. */
export type KeepableAnswer = Exclude<Answer, { status: "fault" }>;

/** `[question key, status, records]`; only JSON values. */
export type PlainAnswer = readonly [
  key: string,
  status: KeepableAnswer["status"],
  records: readonly unknown[],
];

const RECORDS_MAX = 1000;
const TEXT_OCTETS_MAX = 65_535;
const PREFERENCE_MAX = 65_535;
const TYPES: ReadonlySet<string> = new Set<RecordType>(["TXT", "A", "AAAA", "MX", "PTR"]);

/** The objects around the texts. */
const TEXT_OCTETS = 24;
const ADDRESS_OCTETS = 240;

/** How many octets of memory records take, roughly and rather too many than too few. */
export function recordOctets(records: readonly RecordData[RecordType][]): number {
  let octets = 0;
  for (const record of records) {
    if (typeof record === "string") octets += TEXT_OCTETS + record.length;
    else if ("bytes" in record) octets += ADDRESS_OCTETS;
    else octets += 2 * TEXT_OCTETS + record.exchange.length;
  }
  return octets;
}

/** @param key as `questionKey` makes it: the type, a space, the name. */
export function plainAnswer(key: string, answer: KeepableAnswer): PlainAnswer {
  const records = answer.status === "found" ? answer.records.map(plainRecord) : [];
  return [key, answer.status, records];
}

/** Undefined where it could not have come from DNS: another form, a name or an address that is none. */
export function readPlainAnswer(value: unknown): { question: Question; answer: KeepableAnswer } | undefined {
  if (!Array.isArray(value)) return undefined;
  const [key, status, records] = value as readonly unknown[];
  if (typeof key !== "string" || !Array.isArray(records) || records.length > RECORDS_MAX) return undefined;
  const space = key.indexOf(" ");
  const type = key.slice(0, space);
  const name = key.slice(space + 1);
  if (!TYPES.has(type) || !isAskable(name) || name !== name.toLowerCase()) return undefined;
  const question: Question = { type: type as RecordType, name };
  if (status === "nodata" || status === "nxdomain") {
    return records.length === 0 ? { question, answer: { status, ttlSeconds: 0 } } : undefined;
  }
  if (status !== "found" || records.length === 0) return undefined;
  const read = records.map((record) => readRecord(question.type, record));
  const known = read.filter((record) => record !== undefined);
  return known.length === read.length
    ? { question, answer: { status, records: known, ttlSeconds: 0 } }
    : undefined;
}

function plainRecord(record: RecordData[RecordType]): unknown {
  if (typeof record === "string") return record;
  return "bytes" in record ? record.text : [record.preference, record.exchange];
}

function readRecord(type: RecordType, value: unknown): RecordData[RecordType] | undefined {
  switch (type) {
    case "TXT":
      return isOctets(value) && value.length <= TEXT_OCTETS_MAX ? value : undefined;
    case "PTR":
      return isName(value) ? value : undefined;
    case "A":
    case "AAAA": {
      const address = typeof value === "string" ? parseIpAddress(value) : undefined;
      return address?.family === (type === "A" ? 4 : 6) ? address : undefined;
    }
    case "MX": {
      if (!Array.isArray(value) || value.length !== 2) return undefined;
      const [preference, exchange] = value as readonly unknown[];
      if (typeof preference !== "number" || !Number.isInteger(preference)) return undefined;
      if (preference < 0 || preference > PREFERENCE_MAX || !isName(exchange)) return undefined;
      return { preference, exchange };
    }
  }
}

function isOctets(value: unknown): value is OctetString {
  return typeof value === "string" && !/[^\0-\xff]/.test(value);
}

/** The root is written as the empty name. */
function isName(value: unknown): value is OctetString {
  return isOctets(value) && (value === "" || isWireName(value));
}
