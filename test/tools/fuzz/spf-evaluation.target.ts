/** Cases of the SPF suites with their zones bent, cross-bred and broken, through the whole of check_host(). */
import assert from "node:assert/strict";
import { SPF_RESULTS } from "spf-check";
import { inputOf } from "../../system/conformance/case-input.ts";
import type { ConformanceCase } from "../../system/conformance/conformance-case.ts";
import { type Driven, drive } from "../../system/conformance/drive.ts";
import { loadSuites } from "../../system/conformance/suites.ts";
import { Zone, type ZoneEntry } from "../../system/conformance/zone.ts";
import { assertPromises } from "../../unit/spf-check/promises.ts";
import { mutate, type Rng } from "./rng.ts";
import { suiteTexts } from "./suite-texts.ts";

export const name = "spf-evaluation";

const CASES = loadSuites().flatMap(({ cases }) => cases);
const TEXTS = suiteTexts();
const CLIENTS = [...new Set(CASES.map(({ host }) => host))];
const SENDERS = [...new Set(CASES.map(({ mailfrom }) => mailfrom))];
const OWNERS = CASES.flatMap(({ zonedata }) => Object.values(zonedata));
const FAULTS = ["SERVFAIL", "TIMEOUT", "REFUSED", "NOTIMP", "FORMERR"];
/** Most of the time of a run should not go into a few huge zones. */
const RECORDS_MAX = 60;

type Bent = { -readonly [K in keyof ConformanceCase]: ConformanceCase[K] };
type BentZone = Record<string, ZoneEntry[]>;

export function makeInput(rng: Rng): Buffer {
  return Buffer.from(JSON.stringify(bentCase(rng)));
}

/** A case of a suite as JSON; what should come of it is not looked at. */
export function replay(input: Buffer): void {
  const one = JSON.parse(input.toString("utf8")) as ConformanceCase;
  const plain = evaluate(one, false, false);
  assert.ok(SPF_RESULTS.includes(plain.outcome.result));
  assertPromises({ ...inputOf(one), hints: false }, plain);
  const traced = evaluate(one, true, true);
  assert.ok(traced.outcome.trace !== undefined);
  assert.deepEqual(
    { ...traced.outcome, trace: undefined },
    plain.outcome,
    "hints or trace made a difference",
  );
  assert.deepEqual(traced.questions, plain.questions);
}

function evaluate(one: ConformanceCase, hints: boolean, trace: boolean): Driven {
  const zone = new Zone(one.zonedata, "silence");
  return drive({ ...inputOf(one), hints, trace }, (question) => zone.answer(question));
}

function bentCase(rng: Rng): Bent {
  const one: Bent = { ...rng.pick(CASES) };
  const zone: BentZone = Object.fromEntries(
    Object.entries(one.zonedata).map(([owner, entries]) => [owner, [...entries]]),
  );
  for (let n = 1 + rng.below(6); n > 0; n--) bend(rng, zone);
  one.zonedata = zone;
  if (rng.once(3)) one.host = rng.pick(CLIENTS);
  if (rng.once(4)) one.mailfrom = bentName(rng, rng.pick(SENDERS));
  if (rng.once(8)) one.helo = bentName(rng, one.helo);
  if (rng.once(4)) one.options = { ...one.options, voidLookupLimit: rng.below(20) };
  if (rng.once(8)) one.options = { ...one.options, lookupLimit: rng.below(40) };
  if (rng.once(8)) one.options = { ...one.options, rules: "a mx ptr exists:%{l}.%{p} include:%{d2}" };
  if (rng.once(8)) one.options = { ...one.options, guess: "-a/24 ptr:%{o} mx" };
  return one;
}

function bentName(rng: Rng, text: string): string {
  return mutate(rng, Buffer.from(text, "latin1")).toString("latin1");
}

function bend(rng: Rng, zone: BentZone): void {
  const owners = Object.keys(zone);
  if (owners.length === 0) return;
  const owner = rng.pick(owners);
  const entries = zone[owner] ?? [];
  switch (rng.below(7)) {
    case 0:
      zone[owner] = entries.map((entry) => bentText(entry, (text) => bentName(rng, text)));
      return;
    case 1:
      zone[owner] = entries.map((entry) => bentText(entry, () => rng.pick(TEXTS)));
      return;
    case 2:
      zone[owner] = entries.map((entry) => bentText(entry, (text) => withTerm(rng, text, rng.pick(owners))));
      return;
    case 3:
      entries.push(...rng.pick(OWNERS));
      entries.splice(RECORDS_MAX);
      return;
    case 4:
      entries.push(rng.pick(FAULTS));
      return;
    case 5:
      entries.push({ CNAME: rng.pick(owners) });
      return;
    default:
      entries.push(...entries.map((entry) => pointedAt(entry, rng.pick(owners))));
      entries.splice(RECORDS_MAX);
  }
}

function bentText(entry: ZoneEntry, change: (text: string) => string): ZoneEntry {
  const value = typeof entry === "string" ? undefined : entry["TXT"];
  return typeof value === "string" ? { TXT: change(value) } : entry;
}

/** The record with one more term in it, which leads to a name of the zone. */
function withTerm(rng: Rng, text: string, owner: string): string {
  const terms = text.split(" ");
  const kind = rng.pick(["include:", "a:", "mx:", "exists:", "ptr:", "redirect=", "exp=", "exists:%{ir}."]);
  terms.splice(1 + rng.below(terms.length), 0, `${kind}${owner}`);
  return terms.join(" ");
}

/** A record that points at another name of the zone. */
function pointedAt(entry: ZoneEntry, owner: string): ZoneEntry {
  if (typeof entry === "string") return entry;
  if ("MX" in entry) return { MX: [0, owner] };
  return "PTR" in entry ? { PTR: owner } : entry;
}
