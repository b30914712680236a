import type { OctetString } from "../address/index.ts";
import type { Answer, Question } from "./lookup.ts";
import type { SpfResult } from "./result.ts";

/** One DNS question of an evaluation, with its answer and the counts after it. */
export interface TraceLookup {
  readonly question: Question;
  readonly answer: Answer;
  readonly void: boolean;
  /** An earlier term had asked; this one was given the same answer. */
  readonly remembered: boolean;
}

/** One directive or modifier that was evaluated, in the order it was. */
export interface TraceTerm {
  /** As published, e.g. `-include:%{d2}.example.net`. */
  readonly term: string;
  /** The domain-spec after macro expansion, where the term has one. */
  readonly target: OctetString | undefined;
  /** Its lookups, but for the one that fetched the nested record. */
  readonly lookups: readonly TraceLookup[];
  /** The record an include or redirect led into. */
  readonly nested: TraceRecord | undefined;
  readonly matched: boolean;
  /** Counted terms and voids once this term was done. */
  readonly lookupsSoFar: number;
  readonly voidsSoFar: number;
  /** The same before the first term of the nested record. */
  readonly lookupsBefore: number;
  readonly voidsBefore: number;
  /** What went wrong inside this term, in words. */
  readonly problem: string | undefined;
}

/** The evaluation of one domain's record. */
export interface TraceRecord {
  readonly domain: OctetString;
  readonly source: "published" | "override" | "fallback" | "local policy" | "guess";
  /** The TXT question that fetched it; undefined where the record was given by the operator. */
  readonly lookup: TraceLookup | undefined;
  readonly record: OctetString | undefined;
  readonly terms: readonly TraceTerm[];
  /** Local rules evaluated at their place in this record, and guess rules where there was none. */
  readonly rules: TraceRecord | undefined;
  /** The exp= lookup, where one was made. */
  readonly explanationLookup: TraceLookup | undefined;
  /** What %{p} in the explanation or its name asked for; no term's, and not counted. */
  readonly explanationNameLookups: readonly TraceLookup[];
  readonly result: SpfResult;
  readonly problem: string | undefined;
}
