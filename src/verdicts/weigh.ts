import type { Outcome, RecordData, RecordType } from "spf-check";

/**
 * How many octets of memory things take, roughly and rather too many than too few: bounds on the number of entries
 * alone would let a hostile zone fill the memory with records of 64 KB.
 */

/** An entry of the cache, its place in the table, the objects around its texts. */
const ENTRY = 320;
const TEXT = 24;
const ADDRESS = 240;
const PATH_STEP = 80;

/** The weight of an answer's records under its key. */
export function weighAnswer(key: string, records: readonly RecordData[RecordType][]): number {
  let weight = ENTRY + key.length;
  for (const record of records) weight += weighRecord(record);
  return weight;
}

function weighRecord(record: RecordData[RecordType]): number {
  if (typeof record === "string") return TEXT + record.length;
  if ("bytes" in record) return ADDRESS;
  return 2 * TEXT + record.exchange.length;
}

/** The weight of a verdict under its key; a trace is not kept. */
export function weighVerdict(key: string, outcome: Outcome | undefined): number {
  let weight = ENTRY + key.length;
  if (outcome === undefined) return weight;
  const { domain, mechanism, explanation, problem, record } = outcome;
  for (const text of [domain, mechanism, explanation?.text, problem, record]) {
    if (text !== undefined) weight += TEXT + text.length;
  }
  for (const { domain: place, term } of outcome.path) weight += PATH_STEP + place.length + term.length;
  return weight;
}
