/** Records of the suites, mutated, through the parser; the grammar in regular expressions says what it should find. */
import assert from "node:assert/strict";
import { parseRecord, printRecord } from "spf-check";
import { isRecord } from "../../unit/spf-check/grammar.ts";
import { mutate, type Rng } from "./rng.ts";
import { suiteTexts } from "./suite-texts.ts";

export const name = "spf-record";

const RECORDS = suiteTexts().filter((text) => /^v=spf1/i.test(text));
const TERMS = [...new Set(RECORDS.flatMap((text) => text.split(" ")))];

/** The text of a record, octet by octet. */
export function replay(input: Buffer): void {
  const text = input.toString("latin1");
  const parsed = parseRecord(text);
  assert.equal(
    "record" in parsed,
    isRecord(text),
    "fault" in parsed ? parsed.fault.reason : "no fault found",
  );
  if ("fault" in parsed) assert.match(parsed.fault.reason, /^[\x20-\x7e]{1,200}$/);
  else assert.deepEqual(parseRecord(printRecord(parsed.record)), parsed);
}

export function makeInput(rng: Rng): Buffer {
  if (rng.once(2)) return mutate(rng, Buffer.from(rng.pick(RECORDS), "latin1"));
  const terms = ["v=spf1"];
  for (let n = rng.below(6); n > 0; n--) terms.push(mutatedTerm(rng));
  return Buffer.from(terms.join(" "), "latin1");
}

function mutatedTerm(rng: Rng): string {
  const term = Buffer.from(rng.pick(TERMS), "latin1");
  return (rng.once(2) ? term : mutate(rng, term)).toString("latin1");
}
