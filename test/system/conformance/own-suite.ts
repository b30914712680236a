import type { SpfResult } from "spf-check";
import type { CaseOptions, ConformanceCase } from "./conformance-case.ts";
import type { ZoneData, ZoneEntry, ZoneValue } from "./zone.ts";

/**
 * A file of cases as people write it: what its cases have in common, and the cases, each with what is its own.
 */
export interface OwnSuite {
  /** The section of RFC 7208, as `4.6.4`; another document by name and section, as `RFC 8616 4`. */
  readonly section?: string;
  readonly client?: string;
  readonly helo?: string;
  readonly sender?: string;
  readonly receiver?: string;
  readonly zone?: OwnZone;
  readonly cases: readonly OwnCase[];
}

/** One case; what it leaves out is the suite's. */
export interface OwnCase extends Pick<ConformanceCase, Expectation> {
  readonly name: string;
  readonly section?: string;
  readonly client?: string;
  readonly helo?: string;
  /** Empty: the null sender. */
  readonly sender?: string;
  readonly receiver?: string;
  /** The TXT records of the domain that is checked; `zone` may hold more of that name. */
  readonly record?: string | readonly string[];
  /** Owners in place of the suite's of the same name, or in addition to them. */
  readonly zone?: OwnZone;
  readonly result: SpfResult | readonly SpfResult[];
  readonly options?: CaseOptions;
}

type Expectation =
  | "explanation"
  | "explanation_re"
  | "mechanism"
  | "lookups"
  | "voids"
  | "problem"
  | "local"
  | "guess"
  | "receivedSpf";

/**
 * Owners and their records, each in one line: `A 192.0.2.1`, `MX 10 mail.example.test`, `TXT v=spf1 -all`; a
 * fault for one type, `A !SERVFAIL`, or for all types without a record, `SERVFAIL`. A TXT record of several
 * character-strings is `{ "TXT": ["…", "…"] }`, and a piece that repeats is `{ "text": "…", "times": 400 }`.
 */
export type OwnZone = Readonly<Record<string, readonly OwnEntry[]>>;
type OwnEntry = string | { readonly TXT: readonly (string | Repeated)[] };

interface Repeated {
  readonly text: string;
  readonly times: number;
}

/** A misspelt word would be an expectation that nothing holds. */
const CASE_WORDS: ReadonlySet<string> = new Set<keyof OwnCase>([
  "name",
  "section",
  "client",
  "helo",
  "sender",
  "receiver",
  "record",
  "zone",
  "result",
  "options",
  "explanation",
  "explanation_re",
  "mechanism",
  "lookups",
  "voids",
  "problem",
  "local",
  "guess",
  "receivedSpf",
]);

const CLIENT = "192.0.2.1";
const HELO = "mail.example.test";
const SENDER = "user@example.test";

/** The cases of a file in the form of the public suites. Throws where a word or an entry is none that is known. */
export function casesOf(name: string, suite: OwnSuite): ConformanceCase[] {
  const names = new Set<string>();
  return suite.cases.map((one) => {
    const unknown = Object.keys(one).find((word) => !CASE_WORDS.has(word));
    if (unknown !== undefined) throw new Error(`${name}: ${one.name}: what is "${unknown}"?`);
    if (names.has(one.name)) throw new Error(`${name}: two cases are called "${one.name}"`);
    names.add(one.name);
    const { client, record: _record, zone: _zone, sender: _sender, result, ...rest } = one;
    const helo = one.helo ?? suite.helo ?? HELO;
    const mailfrom = one.sender ?? suite.sender ?? SENDER;
    const section = one.section ?? suite.section;
    const receiver = one.receiver ?? suite.receiver;
    return {
      ...rest,
      suite: name,
      host: client ?? suite.client ?? CLIENT,
      helo,
      mailfrom,
      zonedata: zoneOf(suite, one, mailfrom === "" ? helo : mailfrom.slice(mailfrom.lastIndexOf("@") + 1)),
      result: typeof result === "string" ? [result] : result,
      ...(section === undefined ? {} : { section: /^\d/.test(section) ? `RFC 7208 ${section}` : section }),
      ...(receiver === undefined ? {} : { receiver }),
    };
  });
}

function zoneOf(suite: OwnSuite, one: OwnCase, domain: string): ZoneData {
  const zone: Record<string, readonly OwnEntry[]> = { ...suite.zone, ...one.zone };
  if (one.record !== undefined) {
    zone[domain] = [...[one.record].flat().map((text) => `TXT ${text}`), ...(zone[domain] ?? [])];
  }
  return Object.fromEntries(
    Object.entries(zone).map(([owner, entries]) => [owner, entries.map((entry) => entryOf(owner, entry))]),
  );
}

function entryOf(owner: string, entry: OwnEntry): ZoneEntry {
  if (typeof entry !== "string") return { TXT: entry.TXT.map(pieceOf) };
  const space = entry.indexOf(" ");
  if (space === -1) return entry;
  const type = entry.slice(0, space);
  const value = entry.slice(space + 1);
  return { [type]: valueOf(type, value, `${owner}: ${entry}`) };
}

function valueOf(type: string, value: string, shown: string): ZoneValue {
  if (/^![A-Z]+$/.test(value)) return { rcode: value.slice(1) };
  if (type === "TXT" || type === "SPF") return value;
  if (["A", "AAAA", "PTR", "CNAME"].includes(type)) return value;
  const exchange = /^(\d+) (\S+)$/.exec(value);
  if (type !== "MX" || exchange === null) throw new Error(`${shown} is no entry of a zone`);
  return [Number(exchange[1]), exchange[2] ?? ""];
}

function pieceOf(piece: string | Repeated): string {
  return typeof piece === "string" ? piece : piece.text.repeat(piece.times);
}
