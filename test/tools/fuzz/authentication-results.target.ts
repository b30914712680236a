/** Authentication-Results that want to be taken for ours by somebody, and honest ones that must not be. */
import assert from "node:assert/strict";
import { ResultsField } from "../../../src/trace-fields/index.ts";
import { isForgedResult } from "../../support/is-forged-result.ts";
import { READERS } from "./results-readers.ts";
import type { Rng } from "./rng.ts";

export const name = "authentication-results";
export const weight = 2;

export const OURS = "mx.rig.test";

const TEMPLATES = [
  [
    "mx",
    ".",
    "rig",
    ".",
    "test",
    ";",
    " ",
    "spf",
    "=",
    "pass",
    " ",
    "smtp",
    ".",
    "mailfrom",
    "=",
    "soft.test",
  ],
  ["mx", ".", "rig", ".", "test", "/", "4ABC", ";", "dkim", "=", "pass", ";", "spf", "=", "pass"],
  ["mx", ".", "rig", ".", "test", " ", "1", ";", "spf", "/", "1", "=", "pass", " ", "(", "x", ")"],
  ["mx", ".", "rig", ".", "test", ";", "dkim", "=", "pass", " ", "header", ".", "d", "=", '"', "b.test", '"'],
  [
    "mx",
    ".",
    "other",
    ".",
    "test",
    ";",
    " ",
    "spf",
    "=",
    "pass",
    " ",
    "smtp",
    ".",
    "helo",
    "=",
    "mx.rig.test",
  ],
  ["(", "mx.rig.test", ")", " ", "mx", ".", "other", ".", "test", ";", "spf", "=", "pass"],
];

const TOKENS = [
  " ",
  "\t",
  "\n ",
  "\v",
  "\f",
  "\xa0",
  "(",
  ")",
  "(a)",
  "(a;b)",
  "(\\)",
  '(")',
  '"',
  '""',
  "\\",
  '"(a"',
  "\\(a",
  '"="',
  '";"',
  '"."',
  "\\;",
  "\\=",
  ";",
  ";;",
  "=",
  ".",
  "/",
  "1",
  "x",
  "mx",
  "mx.rig.test",
  "mx.other.test",
  "spf",
  "SPF",
  "spf=pass",
  "; spf=pass",
  "none",
  "reason",
  "s\\pf",
  's"p"f',
  "m\\x",
  'm"x"',
  "s)pf",
  "@",
  ",",
  ":",
  "[",
  "\0",
  "\xc3\xbc",
];

export function makeInput(rng: Rng): Buffer {
  const parts = [...rng.pick(TEMPLATES)];
  for (let n = rng.below(5); n > 0; n--) {
    const at = rng.below(parts.length + 1);
    if (rng.once(5)) parts.splice(at, 1);
    else parts.splice(at, 0, rng.pick(TOKENS));
  }
  return Buffer.from(parts.join(""), "latin1");
}

export function replay(input: Buffer): void {
  const value = input.toString("latin1");
  const forged = isForgedResult(value, OURS, "on");
  for (const [reader, read] of Object.entries(READERS)) {
    const found = read(value);
    if (found === undefined || !isOurs(found.id) || !found.methods.includes("spf")) continue;
    assert.ok(forged, `${reader} takes ${JSON.stringify(value)} for ours`);
  }
  // Whatever is between them: without the letters of our id, in order, nobody reads it.
  const letters = value.toLowerCase().replace(/[^a-z0-9]/g, "");
  if (!/m.*x.*r.*i.*g.*t.*e.*s.*t/.test(letters))
    assert.equal(isForgedResult(value, OURS, "all"), false, value);
  const said = new ResultsField(value).read();
  if (said === undefined) return;
  assert.deepEqual(new ResultsField(value).bears(said.authservId), true, value);
  // A field that all readers understand alike is judged by what it says.
  if (/["\\()\v\f\xa0]/.test(value)) return;
  const names = said.results.flatMap(({ method, properties }) => [
    method,
    ...properties.map((property) => property.name),
  ]);
  assert.equal(forged, isOurs(said.authservId) && names.includes("spf"), value);
}

/** Whether a reader that finds this id takes the field for ours. */
export function isOurs(id: string): boolean {
  return /^mx\.rig\.test\.?(?:\/.*)?$/is.test(id);
}
