import type { OctetString } from "../address/index.ts";
import type { SpfResult } from "./result.ts";
import type { TraceRecord } from "./trace.ts";

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
  /** What local rules decided, where they were reached and matched; an error in them is theirs alone. */
  readonly local: RuleOutcome | undefined;
  /** What guess rules decided, where the domain publishes nothing and one matched; never an error. */
  readonly guess: RuleOutcome | undefined;
  /** The evaluation as a tree, where `trace` was asked for. */
  readonly trace: TraceRecord | undefined;
}
