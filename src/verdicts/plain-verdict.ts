/**
 * Verdicts in the cache file. What is read from it is trusted no more than a packet: anything but what could have been
 * written there is refused.
 */
import { type Outcome, SPF_RESULTS } from "spf-check";
import type { OctetString } from "../address/index.ts";
import {
  ENTRY_OCTETS_MAX,
  type MacroMask,
  macroMask,
  macroSet,
  type StoredVerdict,
} from "./verdict-store.ts";

/** `[key, masks seen, outcome or null]`, JSON values only. */
export type PlainVerdict = readonly [key: string, masksSeen: number, outcome: PlainOutcome | null];

/** What is kept of an outcome; the macros as a mask. */
type PlainOutcome = Omit<Outcome, "macrosRead" | "ttlSeconds" | "trace"> & { readonly macros: MacroMask };

/** A verdict as the file has it. */
export function plainVerdict({ key, masksSeen, outcome }: StoredVerdict): PlainVerdict {
  return [key, masksSeen, outcome === undefined ? null : plainOutcome(outcome)];
}

function plainOutcome({ macrosRead, ttlSeconds: _ttl, trace: _trace, ...rest }: Outcome): PlainOutcome {
  return { ...rest, macros: macroMask(macrosRead) };
}

const PATH_STEPS_MAX = 100;
const SOURCES = ["published", "override", "fallback"] as const;

/** The other way; undefined where it is not what {@link plainVerdict} could have made. */
export function readPlainVerdict(value: unknown): StoredVerdict | undefined {
  if (!Array.isArray(value)) return undefined;
  const [key, masksSeen, plain] = value as readonly unknown[];
  if (!isText(key) || !isCount(masksSeen, 0xffff)) return undefined;
  if (plain === null) return { key, masksSeen, outcome: undefined };
  if (typeof plain !== "object") return undefined;
  const outcome = readPlainOutcome(plain as Readonly<Record<string, unknown>>);
  return outcome && { key, masksSeen, outcome };
}

function readPlainOutcome(plain: Readonly<Record<string, unknown>>): Outcome | undefined {
  const { domain, mechanism, problem, failure, record, recordSource, lookups, voids, macros } = plain;
  const result = SPF_RESULTS.find((one) => one === plain["result"]);
  const path = readList(plain["path"], ({ domain: place, term }) =>
    isText(place) && isText(term) ? { domain: place, term } : undefined,
  );
  const source = SOURCES.find((one) => one === recordSource);
  const rules = ["local", "guess"].map((name) => readRules(plain[name]));
  const explanation = readExplanation(plain["explanation"]);
  if (result === undefined || result === "temperror" || path === undefined || source === undefined)
    return undefined;
  if (
    !isText(domain) ||
    ![mechanism, problem, failure, record].every((text) => text === undefined || isText(text))
  ) {
    return undefined;
  }
  if (!isCount(lookups, 1000) || !isCount(voids, 1000) || !isCount(macros, 15)) return undefined;
  if (rules.includes(null) || explanation === null) return undefined;
  return {
    result,
    domain,
    mechanism: mechanism as string | undefined,
    path,
    explanation,
    problem: problem as string | undefined,
    failure: failure as Outcome["failure"],
    record: record as string | undefined,
    recordSource: source,
    lookups,
    voids,
    macrosRead: macroSet(macros),
    ttlSeconds: 0,
    local: rules[0] ?? undefined,
    guess: rules[1] ?? undefined,
    trace: undefined,
  };
}

/** Null where it is none. */
function readRules(value: unknown): Outcome["local"] | null {
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null) return null;
  const { result, mechanism } = value as Readonly<Record<string, unknown>>;
  const known = SPF_RESULTS.find((one) => one === result);
  return known !== undefined && known !== "temperror" && isText(mechanism)
    ? { result: known, mechanism }
    : null;
}

/** Null where it is none (RFC 7208 section 6.2: printable ASCII). */
function readExplanation(value: unknown): Outcome["explanation"] | null {
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null) return null;
  const { text, source } = value as Readonly<Record<string, unknown>>;
  if (typeof text !== "string" || !/^[ -~]{1,500}$/.test(text)) return null;
  return source === "domain" || source === "default" ? { text, source } : null;
}

function readList<T>(
  value: unknown,
  read: (item: Readonly<Record<string, unknown>>) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value) || value.length > PATH_STEPS_MAX) return undefined;
  const items = value.map((item: unknown) =>
    typeof item === "object" && item !== null ? read(item as Readonly<Record<string, unknown>>) : undefined,
  );
  const known = items.filter((item) => item !== undefined);
  return known.length === items.length ? known : undefined;
}

function isText(value: unknown): value is OctetString {
  return typeof value === "string" && value.length <= ENTRY_OCTETS_MAX && !/[^\0-\xff]/.test(value);
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
}
