import {
  type Answer,
  isSpfRecord,
  type Question,
  type RecordData,
  type RecordType,
  type TraceLookup,
} from "spf-check";
import type { OctetString } from "../address/index.ts";
import { printable } from "../trace-fields/index.ts";

/** Octets from DNS or the command line as any terminal may show them: printable ASCII, the rest escaped. */
export function visible(octets: OctetString): string {
  return printable(octets, false);
}

/** `1 lookup`, `3 lookups`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[]): string {
  const last = items.at(-1) ?? "";
  return items.length < 2 ? last : `${items.slice(0, -1).join(", ")} and ${last}`;
}

/** A time as a person reads it: `0.4 ms`, `23 ms`, `3.1 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toFixed(milliseconds >= 10 ? 0 : 1)} ms`;
}

/** `TXT example.org`. */
export function questionText(question: Question): string {
  return `${question.type} ${visible(question.name)}`;
}

/** What an answer says, in words. */
export function answerText(question: Question, answer: Answer): string {
  switch (answer.status) {
    case "found":
      return answer.records.map((record) => recordText(question.type, record)).join(", ");
    case "nodata":
      return `no ${question.type} records`;
    case "nxdomain":
      return "no such name";
    case "fault":
      return `failed: ${answer.problem}`;
  }
}

/** What the TXT lookup of a policy says: its SPF records, the others counted. */
export function policyAnswerText(lookup: TraceLookup): string {
  const texts = textRecords(lookup);
  if (texts === undefined) return answerText(lookup.question, lookup.answer);
  const records = texts.filter(isSpfRecord);
  const others = texts.length - records.length;
  const rest = others === 0 ? "" : counted(others, records.length === 0 ? "TXT record" : "other TXT record");
  if (records.length === 0) return `${rest}, none of them SPF`;
  const shown = records.map((record) => `"${visible(record)}"`).join(" and ");
  return rest === "" ? shown : `${shown} (and ${rest})`;
}

/** The texts of a TXT lookup; undefined where it found none or asked for something else. */
export function textRecords(lookup: TraceLookup): readonly OctetString[] | undefined {
  const { question, answer } = lookup;
  if (question.type !== "TXT" || answer.status !== "found") return undefined;
  return answer.records.flatMap((record) => (typeof record === "string" ? [record] : []));
}

function recordText(type: RecordType, record: RecordData[RecordType]): string {
  if (typeof record === "string") return type === "TXT" ? `"${visible(record)}"` : visible(record);
  return "exchange" in record
    ? `${record.preference} ${visible(record.exchange) === "" ? "." : visible(record.exchange)}`
    : record.text;
}
