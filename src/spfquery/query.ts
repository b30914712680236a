import {
  type Answer,
  type CheckHostInput,
  type LocalPolicy,
  type LookupLimits,
  type Outcome,
  type Question,
  type SpfResult,
  type TraceRecord,
  type TraceTerm,
  withDefaultExplanation,
} from "spf-check";
import { type IpAddress, type OctetString, parseIpAddress, unmapIpv4 } from "../address/index.ts";
import type { Nameserver } from "../dns/index.ts";

/** Terms that a survey follows before it gives up. */
const SURVEY_LOOKUPS_MAX = 100;

/** One SPF check as it was asked for. */
export interface Query {
  readonly ip: IpAddress;
  /** As given; empty where none was. */
  readonly helo: OctetString;
  /** The MAIL FROM address, without angle brackets; empty for the null sender. */
  readonly sender: OctetString;
  readonly scope: "mfrom" | "helo";
}

/** How a check is made: what the command line says once and a batch line may say for itself. */
export interface QuerySettings {
  /** The name of the host that checks, for %{r} and receiver=. */
  readonly receiver: OctetString;
  readonly limits: LookupLimits;
  readonly localPolicy: LocalPolicy;
  /** Empty: the servers of resolv.conf. */
  readonly nameservers: readonly Nameserver[];
  /** For the whole evaluation. */
  readonly timeoutMs: number;
}

/** The identity that is evaluated (RFC 7208 sections 2.3 and 2.4). */
export interface CheckedName {
  readonly identity: "mailfrom" | "helo";
  readonly domain: OctetString;
  /** `local@domain`, with `postmaster` where none is given. */
  readonly sender: OctetString;
}

/**
 * What a query asks about: the HELO name for the null sender and where it is asked for, else the domain of the
 * sender. A sender without `@` is a domain (RFC 7208 section 4.3).
 */
export function checkedName(query: Query): CheckedName {
  if (query.scope === "helo" || query.sender === "") {
    return { identity: "helo", domain: query.helo, sender: `postmaster@${query.helo}` };
  }
  const at = query.sender.lastIndexOf("@");
  const domain = query.sender.slice(at + 1);
  return { identity: "mailfrom", domain, sender: at > 0 ? query.sender : `postmaster@${domain}` };
}

/** The arguments of check_host() for a query. */
export function checkHostInput(
  query: Query,
  settings: QuerySettings,
  nowSeconds: number,
  { trace, hints }: { readonly trace: boolean; readonly hints: boolean },
): CheckHostInput {
  const { domain, sender } = checkedName(query);
  const { receiver, limits, localPolicy } = settings;
  const helo = query.helo === "" ? "unknown" : query.helo;
  return { ip: query.ip, domain, sender, helo, receiver, nowSeconds, limits, localPolicy, hints, trace };
}

/**
 * The arguments of the survey: the same policy for a client that nothing names, as far as its records lead.
 * What it costs is bounded all the same.
 */
export function surveyInput(input: CheckHostInput): CheckHostInput {
  const ip = parseIpAddress(unmapIpv4(input.ip).family === 4 ? "0.0.0.0" : "::") ?? input.ip;
  const limits = { lookupLimit: SURVEY_LOOKUPS_MAX, voidLookupLimit: SURVEY_LOOKUPS_MAX };
  const localPolicy = { ...input.localPolicy, rules: undefined, guess: undefined };
  return { ...input, ip, limits, localPolicy };
}

/** The outcome with the default explanation, where a fail has none of the domain's. */
export function explained(input: CheckHostInput, outcome: Outcome): Outcome {
  return effectiveResult(outcome) === "fail" ? withDefaultExplanation(input, outcome) : outcome;
}

/** The result that local rules or guess rules lead to, where there is one; else the published one. */
export function effectiveResult({ result, local, guess }: Outcome): SpfResult {
  // An error in local rules decides nothing.
  const isError = local?.result === "temperror" || local?.result === "permerror";
  return (isError ? undefined : local?.result) ?? guess?.result ?? result;
}

/** One question that went out, and how long its answer took. */
export interface LoggedAnswer {
  readonly question: Question;
  readonly answer: Answer;
  readonly elapsedMs: number;
}

/** One check that was made, with all that is told about it. */
export interface Report {
  readonly query: Query;
  readonly settings: QuerySettings;
  readonly checked: CheckedName;
  readonly outcome: Outcome;
  readonly elapsedMs: number;
  /** The questions of the check itself. */
  readonly asked: readonly LoggedAnswer[];
  /**
   * The same policy evaluated for a client that nothing names, without limits: all that it holds, also after
   * the directive that decided. Undefined where it was not looked at.
   */
  readonly survey: Outcome | undefined;
}

/** Every record of a trace, outermost first, without the operator's rules. */
export function* recordsOf(trace: TraceRecord): Generator<TraceRecord> {
  yield trace;
  for (const term of trace.terms) if (term.nested !== undefined) yield* recordsOf(term.nested);
}

/** Every term of a trace in the order of evaluation, those inside an include before the include itself. */
export function* termsOf(
  trace: TraceRecord,
): Generator<{ readonly record: TraceRecord; readonly term: TraceTerm }> {
  for (const term of trace.terms) {
    if (term.nested !== undefined) yield* termsOf(term.nested);
    yield { record: trace, term };
  }
}
