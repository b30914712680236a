import type { OctetString } from "../address/index.ts";
import type { Answer, Question, SpfResult, TraceLookup, TraceRecord, TraceTerm } from "./types.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What has been counted so far (RFC 7208 section 4.6.4). */
export interface LookupCounts {
  readonly lookups: number;
  readonly voids: number;
}

/** Told what becomes of one domain's record. */
export interface RecordTracer {
  /** What has been told; undefined where no trace is wanted. */
  readonly tree: TraceRecord | undefined;
  /** The TXT question that fetched the record. */
  lookup(question: Question, answer: Answer): void;
  /** Its text; the source where it is another than was assumed. */
  record(text: OctetString, source?: TraceRecord["source"]): void;
  /** The next term of the record. */
  term(text: OctetString): TermTracer;
  /** Rules of the operator's that are evaluated for this record. */
  rules(domain: OctetString, source: "local policy" | "guess"): RecordTracer;
  explanation(question: Question, answer: Answer): void;
  explanationName(question: Question, answer: Answer): void;
  end(result: SpfResult): void;
  /** An error ended the record, its last term, and what that term had led to. */
  fail(result: SpfResult, problem: string, counts: LookupCounts): void;
}

/** Told what becomes of one directive or modifier. */
export interface TermTracer {
  target(name: OctetString): void;
  lookup(question: Question, answer: Answer, remembered: boolean): void;
  /** The record that the term leads to. */
  nested(domain: OctetString): RecordTracer;
  /** The record that the term leads to is fetched, and so counted; its terms come next. */
  nestedFetched(counts: LookupCounts): void;
  end(matched: boolean, counts: LookupCounts): void;
}

const nothing = (): void => undefined;
const NO_TERM: TermTracer = {
  target: nothing,
  lookup: nothing,
  nested: () => NO_TRACE,
  nestedFetched: nothing,
  end: nothing,
};

/** Where no trace is wanted. */
export const NO_TRACE: RecordTracer = {
  tree: undefined,
  lookup: nothing,
  record: nothing,
  term: () => NO_TERM,
  rules: () => NO_TRACE,
  explanation: nothing,
  explanationName: nothing,
  end: nothing,
  fail: nothing,
};

/** Builds the trace of a record. */
export class RecordTrace implements RecordTracer {
  readonly tree: Omit<Writable<TraceRecord>, "terms" | "explanationNameLookups"> & {
    readonly terms: TraceTerm[];
    readonly explanationNameLookups: TraceLookup[];
  };
  #lastTerm: TermTrace | undefined;

  constructor(domain: OctetString, source: TraceRecord["source"]) {
    this.tree = {
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

  lookup(question: Question, answer: Answer): void {
    this.tree.lookup = traceLookup(question, answer);
  }

  record(text: OctetString, source = this.tree.source): void {
    this.tree.record = text;
    this.tree.source = source;
  }

  term(text: OctetString): TermTracer {
    this.#lastTerm = new TermTrace(text);
    this.tree.terms.push(this.#lastTerm.entry);
    return this.#lastTerm;
  }

  rules(domain: OctetString, source: "local policy" | "guess"): RecordTracer {
    const trace = new RecordTrace(domain, source);
    this.tree.rules = trace.tree;
    return trace;
  }

  explanation(question: Question, answer: Answer): void {
    this.tree.explanationLookup = traceLookup(question, answer);
  }

  explanationName(question: Question, answer: Answer): void {
    this.tree.explanationNameLookups.push(traceLookup(question, answer));
  }

  end(result: SpfResult): void {
    this.tree.result = result;
  }

  fail(result: SpfResult, problem: string, counts: LookupCounts): void {
    this.tree.result = result;
    this.tree.problem = problem;
    this.#lastTerm?.fail(result, problem, counts);
  }
}

class TermTrace implements TermTracer {
  readonly entry: Omit<Writable<TraceTerm>, "lookups"> & { readonly lookups: TraceLookup[] };
  #nested: RecordTrace | undefined;

  constructor(term: OctetString) {
    this.entry = {
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

  target(name: OctetString): void {
    this.entry.target = name;
  }

  lookup(question: Question, answer: Answer, remembered: boolean): void {
    this.entry.lookups.push(traceLookup(question, answer, remembered));
  }

  nested(domain: OctetString): RecordTracer {
    this.#nested = new RecordTrace(domain, "published");
    this.entry.nested = this.#nested.tree;
    return this.#nested;
  }

  nestedFetched({ lookups, voids }: LookupCounts): void {
    this.entry.lookupsBefore = lookups;
    this.entry.voidsBefore = voids;
  }

  end(matched: boolean, { lookups, voids }: LookupCounts): void {
    this.entry.matched = matched;
    this.entry.lookupsSoFar = lookups;
    this.entry.voidsSoFar = voids;
  }

  fail(result: SpfResult, problem: string, counts: LookupCounts): void {
    this.end(false, counts);
    this.entry.problem = problem;
    this.#nested?.fail(result, problem, counts);
  }
}

function traceLookup(question: Question, answer: Answer, remembered = false): TraceLookup {
  return { question, answer, void: isVoid(answer), remembered };
}

/** Whether an answer holds no records or the name does not exist (RFC 7208 section 4.6.4). */
export function isVoid(answer: Answer): boolean {
  return answer.status === "nodata" || answer.status === "nxdomain";
}
