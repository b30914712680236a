import type { IpAddress, OctetString } from "../address/index.ts";
import type { SpfRecord } from "./record.ts";

/** The results of check_host() (RFC 7208 section 2.6), in the RFC's words. */
export const SPF_RESULTS = ["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"] as const;

/** One result of check_host() (RFC 7208 section 2.6). */
export type SpfResult = (typeof SPF_RESULTS)[number];

/** The limits of RFC 7208 section 4.6.4. */
export interface LookupLimits {
  /** Terms that cause DNS queries: include, a, mx, ptr, exists, redirect. RFC: 10. */
  readonly lookupLimit: number;
  /** Lookups that find nothing. RFC: 2. */
  readonly voidLookupLimit: number;
}

/** What the operator adds to the published policy. All of it is parsed when the configuration is read. */
export interface LocalPolicy {
  /** `SPFRules`: local mechanisms, spliced in before the trailing run that ends in `all`. */
  readonly rules: SpfRecord | undefined;
  /** `SPFGuess`: the record of domains that publish nothing. */
  readonly guess: SpfRecord | undefined;
  /** `SPFExplanation`: a macro-string, also with %{xr} %{xs} %{xe}. */
  readonly explanation: string | undefined;
  /** `OverrideRecord`: record texts by lower-case domain, used instead of the published one. */
  readonly overrides: ReadonlyMap<string, string>;
  /** `FallbackRecord`: record texts by lower-case domain, used where none is published. */
  readonly fallbacks: ReadonlyMap<string, string>;
}

/** The arguments of check_host() (RFC 7208 section 4.1) and what its macros need. */
export interface CheckHostInput {
  /** The client. An IPv4-mapped IPv6 address is evaluated as IPv4 (RFC 7208 section 5). */
  readonly ip: IpAddress;
  /** The domain whose policy is asked for; U-labels are converted (RFC 8616). */
  readonly domain: OctetString;
  /** `local@domain`; for the HELO identity `postmaster@helo` (RFC 7208 sections 2.4 and 4.3). */
  readonly sender: OctetString;
  /** The HELO or EHLO name, for %{h}. */
  readonly helo: OctetString;
  /** The name of the host that checks, for %{r}. */
  readonly receiver: OctetString;
  /** For %{t}: seconds since 1970. */
  readonly nowSeconds: number;
  readonly limits: LookupLimits;
  readonly localPolicy: LocalPolicy;
  /** Yield hints for what a parsed record will need. */
  readonly hints: boolean;
  /** Build the trace of the evaluation; costs nothing when false. */
  readonly trace: boolean;
}

/** What one record of each type holds, as the evaluator reads it. */
export interface RecordData {
  /** The character-strings of one TXT record, joined without spaces (RFC 7208 section 3.3). */
  readonly TXT: OctetString;
  readonly A: IpAddress;
  readonly AAAA: IpAddress;
  readonly MX: { readonly preference: number; readonly exchange: OctetString };
  readonly PTR: OctetString;
}

/** The record types that check_host() asks for; type 99 (SPF) is not among them (RFC 7208 section 3.1). */
export type RecordType = keyof RecordData;

/** One DNS question, class IN. The name is in octets, without the final dot. */
export interface Question<T extends RecordType = RecordType> {
  readonly name: OctetString;
  readonly type: T;
}

/**
 * What came of a question. `nodata` and `nxdomain` carry the negative TTL of RFC 2308 in seconds;
 * a `fault` is every other RCODE, a time-out, or an answer that could not be read (RFC 7208 section 4.4):
 * it says in words what happened and is never kept.
 */
export type Answer<T extends RecordType = RecordType> =
  | { readonly status: "found"; readonly records: readonly RecordData[T][]; readonly ttlSeconds: number }
  | { readonly status: "nodata" | "nxdomain"; readonly ttlSeconds: number }
  | { readonly status: "fault"; readonly problem: string; readonly cause?: TemperrorCause };

/** What a permerror is about: for counters, where `problem` has the words. */
export const PERMERROR_PROBLEMS = ["syntax", "records", "lookups", "voids", "include", "other"] as const;

/** One of {@link PERMERROR_PROBLEMS}. */
export type PermerrorProblem = (typeof PERMERROR_PROBLEMS)[number];

/** What a temperror comes from: for counters, where `problem` has the words. */
export const TEMPERROR_CAUSES = ["timeout", "servfail", "refused", "deadline", "overload", "other"] as const;

/** One of {@link TEMPERROR_CAUSES}. */
export type TemperrorCause = (typeof TEMPERROR_CAUSES)[number];

/**
 * What the evaluator yields. `ask` must be answered by the value given to `next()`. The others are resumed with no
 * value, and may be ignored. `hint` names questions that the parsed record may need later: the driver may ask them
 * early; they count nothing. `known` tells the result as it is before the rest, which can only add to it: the driver gives
 * the rest a time of its own, and may use this result once that is over. `pause`: a piece of a long record
 * has been parsed, and others may have a turn.
 */
export type Step<Result = Outcome> =
  | {
      readonly kind: "ask";
      readonly question: Question;
      /** About the client's own names, which the client can make slow: no answer in time means no name. */
      readonly ofClient?: true;
    }
  | { readonly kind: "hint"; readonly questions: readonly Question[] }
  | { readonly kind: "known"; readonly result: Result; readonly next: "rules" | "explanation" }
  | { readonly kind: "pause" };

/** The wait for what was asked. */
export interface Pending {
  /** Ends it, when nobody waits any more; harmless afterwards. */
  cancel(): void;
}

/** An evaluation under way. */
export interface PendingResult<Result = Outcome> extends Pending {
  /** The result so far, once it is known (see {@link Step}): what is left can add to it and not change it. */
  readonly known?: Result | undefined;
}

/**
 * Where answers come from: the answer cache, a lookup shared with other evaluations, the network. What is known at
 * once is returned, and `done` is not called; else `done` is called once, after `ask` has returned and unless the wait
 * was cancelled. It never throws: what goes wrong is a fault.
 */
export interface AnswerSource {
  ask(question: Question, done: (answer: Answer) => void): Answer | Pending;
}

/** What check_host() and all that it is made of are: generators that yield questions and are given answers. */
export type Evaluating<T> = Generator<Step, T, Answer | undefined>;

/** Where the text of an explanation comes from: the domain's own `exp=` or the operator's setting. */
export interface Explanation {
  /** Printable ASCII, macro-expanded, at most 500 octets. */
  readonly text: string;
  readonly source: "domain" | "default";
}

/** What local rules or guess rules led to (the qmail patch's spfrules and spfguess). */
export interface RuleOutcome {
  readonly result: SpfResult;
  /** The directive that decided, as written in the rules. */
  readonly mechanism: string;
}

/** One step on the way to the deciding directive: a record and the directive taken in it. */
export interface PathStep {
  readonly domain: OctetString;
  /** The directive or redirect as published, e.g. `include:_spf.example.net`; `default` where none matched. */
  readonly term: string;
}

/** Letters of the macros whose values are not fixed by client address and domain (RFC 7208 section 7.2). */
export type SenderMacro = "s" | "l" | "o" | "h";

/** All that one evaluation of check_host() says. */
export interface Outcome {
  /** The published result (RFC 7208 section 2.6), untouched by local or guess rules. */
  readonly result: SpfResult;
  /** The domain that was evaluated. */
  readonly domain: OctetString;
  /**
   * The directive that decided, with its qualifier, as published in the domain's own record: the `include:`
   * itself where one matched inside, but a directive of the record that a redirect leads to, since that record
   * takes the place of the domain's (RFC 7208 section 6.1). `default` where none matched; undefined for none,
   * temperror and permerror.
   */
  readonly mechanism: string | undefined;
  /** From the domain's record down to the directive that decided, or to `default`; empty where mechanism is undefined. */
  readonly path: readonly PathStep[];
  /**
   * On fail the domain's own words (RFC 7208 section 6.2). checkHost() leaves the operator's out; they are put
   * in by withDefaultExplanation(), for every result but pass.
   */
  readonly explanation: Explanation | undefined;
  /** On temperror and permerror: what is wrong, in words an operator can act on. Printable ASCII. */
  readonly problem: string | undefined;
  /** The kind of that problem. */
  readonly failure?: PermerrorProblem | TemperrorCause | undefined;
  /** The text of the domain's own record, where there is exactly one. */
  readonly record: OctetString | undefined;
  /** Where that record comes from: DNS, OverrideRecord or FallbackRecord. */
  readonly recordSource: "published" | "override" | "fallback";
  /** Terms counted against the limit of RFC 7208 section 4.6.4; the one that was too many is among them. */
  readonly lookups: number;
  /** Terms with void lookups (RFC 7208 section 4.6.4). */
  readonly voids: number;
  /** The sender's and HELO's macros that were read, also inside an explanation: they widen a cache key. */
  readonly macrosRead: ReadonlySet<SenderMacro>;
  /**
   * How long the outcome holds, in seconds: the smallest TTL among the answers used; Infinity where none was asked;
   * 0 after a DNS fault, and where the explanation tells the time.
   */
  readonly ttlSeconds: number;
  /** What local rules decided, where they were reached and matched; an error in them decides nothing. */
  readonly local: RuleOutcome | undefined;
  /** What guess rules decided, where the domain publishes nothing and one matched; never an error. */
  readonly guess: RuleOutcome | undefined;
  /** The evaluation as a tree, where `trace` was asked for. */
  readonly trace: TraceRecord | undefined;
}

/** An outcome that nothing is known of but its result: of a check that was not made, or that only a log tells of. */
export function bareOutcome(result: SpfResult, domain: OctetString): Outcome {
  return {
    result,
    domain,
    mechanism: undefined,
    path: [],
    explanation: undefined,
    problem: undefined,
    record: undefined,
    recordSource: "published",
    lookups: 0,
    voids: 0,
    macrosRead: new Set(),
    ttlSeconds: 0,
    local: undefined,
    guess: undefined,
    trace: undefined,
  };
}

/**
 * A temperror that no answer led to: time ran out, too much is going on, or the evaluator failed. Never kept.
 *
 * @param problem in words an operator can act on, printable ASCII
 */
export function temperror(domain: OctetString, problem: string, failure: TemperrorCause = "other"): Outcome {
  return { ...bareOutcome("temperror", domain), problem, failure };
}

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
