import type { OctetString } from "../address/index.ts";
import type { Answer, Question } from "./lookup.ts";
import type { TraceLookup, TraceRecord, TraceTerm } from "./trace.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** An entry of a trace while it is filled in. */
export type TermDraft = Omit<Writable<TraceTerm>, "lookups"> & { lookups: TraceLookup[] };

/** A record of a trace while it is filled in. */
export type RecordDraft = Omit<Writable<TraceRecord>, "terms" | "explanationNameLookups"> & {
  terms: TraceTerm[];
  explanationNameLookups: TraceLookup[];
};

/** An entry for a term that has not been evaluated yet. */
export function termDraft(term: OctetString): TermDraft {
  return {
    term,
    target: undefined,
    lookups: [],
    nested: undefined,
    matched: false,
    lookupsSoFar: 0,
    voidsSoFar: 0,
    lookupsBefore: 0,
    voidsBefore: 0,
    problem: undefined,
  };
}

/** A record nothing is known of yet. */
export function recordDraft(domain: OctetString, source: TraceRecord["source"]): RecordDraft {
  return {
    domain,
    source,
    lookup: undefined,
    record: undefined,
    terms: [],
    rules: undefined,
    explanationLookup: undefined,
    explanationNameLookups: [],
    result: "none",
    problem: undefined,
  };
}

/** The entry for one question. */
export function traceLookup(question: Question, answer: Answer, remembered = false): TraceLookup {
  return { question, answer, void: isVoid(answer), remembered };
}

/** Whether an answer holds no records or the name does not exist (RFC 7208 section 4.6.4). */
export function isVoid(answer: Answer): boolean {
  return answer.status === "nodata" || answer.status === "nxdomain";
}
