import {
  type Answer,
  type AnswerSource,
  type CheckHostInput,
  checkHost,
  type LocalPolicy,
  type LookupLimits,
  type Outcome,
  type Pending,
  type Question,
  type SpfResult,
  type TraceRecord,
  type TraceTerm,
  temperror,
  withDefaultExplanation,
} from "spf-check";
import { type IpAddress, type OctetString, parseIpAddress, unmapIpv4 } from "../address/index.ts";
import { drive, type Nameserver, questionKey, withDeadline } from "../dns/index.ts";

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

/** One question that went out, and how long its answer took. */
export interface LoggedAnswer {
  readonly question: Question;
  readonly answer: Answer;
  readonly elapsedMs: number;
}

/** One check that was made, with all that is printed about it. */
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

/** What a check needs of the outside. */
export interface ReportPorts {
  readonly source: AnswerSource;
  /** {@link evaluate}, or what a test has instead. */
  readonly evaluate: typeof evaluate;
  /** A monotonic clock. */
  readonly nowMs: () => number;
  readonly nowSeconds: number;
}

/**
 * Makes one check. With `tells` all that can be told about it is found out, else only its outcome. The time of the
 * settings is for all of it: the survey gets the time that the check leaves.
 */
export async function makeReport(
  query: Query,
  settings: QuerySettings,
  ports: ReportPorts,
  tells: boolean,
): Promise<Report> {
  const { nowMs, nowSeconds } = ports;
  // Early questions would hide how long each of them takes.
  const input = checkHostInput(query, settings, nowSeconds, { trace: tells, hints: !tells });
  const beganMs = nowMs();
  const source = withDeadline(ports.source, beganMs + settings.timeoutMs, nowMs);
  const log = new AnswerLog(source, nowMs);
  const outcome = explained(input, await ports.evaluate(input, tells ? log : source));
  const elapsedMs = nowMs() - beganMs;
  const { asked } = log;
  const wantsSurvey = tells && outcome.result !== "temperror" && outcome.result !== "none";
  const survey = wantsSurvey ? await ports.evaluate(surveyInput(input), log) : undefined;
  return { query, settings, checked: checkedName(query), outcome, elapsedMs, asked, survey };
}

/** Runs check_host() to its end on a source of answers; what it throws becomes a temperror. */
export function evaluate(input: CheckHostInput, source: AnswerSource): Promise<Outcome> {
  return new Promise((resolve) => {
    const onThrow = (error: unknown): Outcome =>
      temperror(input.domain, `internal error: ${error instanceof Error ? error.message : String(error)}`);
    const outcome = drive(checkHost(input), { source, onThrow }, resolve);
    if (!("cancel" in outcome)) resolve(outcome);
  });
}

/**
 * What a query asks about: the HELO name for the null sender and where it is asked for, else the domain of the
 * sender. A sender without `@` is a domain (RFC 7208 section 4.3).
 */
function checkedName(query: Query): CheckedName {
  if (query.scope === "helo" || query.sender === "") {
    return { identity: "helo", domain: query.helo, sender: `postmaster@${query.helo}` };
  }
  const at = query.sender.lastIndexOf("@");
  const domain = query.sender.slice(at + 1);
  return { identity: "mailfrom", domain, sender: at > 0 ? query.sender : `postmaster@${domain}` };
}

/** The arguments of check_host() for a query. */
function checkHostInput(
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

/** Terms that a survey follows before it gives up. */
const SURVEY_LOOKUPS_MAX = 100;

/**
 * The arguments of the survey: the same policy for a client that nothing names, as far as its records lead.
 * What it costs is bounded all the same.
 */
function surveyInput(input: CheckHostInput): CheckHostInput {
  const ip = parseIpAddress(unmapIpv4(input.ip).family === 4 ? "0.0.0.0" : "::") ?? input.ip;
  const limits = { lookupLimit: SURVEY_LOOKUPS_MAX, voidLookupLimit: SURVEY_LOOKUPS_MAX };
  const localPolicy = { ...input.localPolicy, rules: undefined, guess: undefined };
  return { ...input, ip, limits, localPolicy };
}

/** The outcome with the default explanation, where a fail has none of the domain's. */
function explained(input: CheckHostInput, outcome: Outcome): Outcome {
  return effectiveResult(outcome) === "fail" ? withDefaultExplanation(input, outcome) : outcome;
}

/** The result that local rules or guess rules lead to, where there is one; else the published one. */
export function effectiveResult({ result, local, guess }: Outcome): SpfResult {
  // An error in local rules decides nothing.
  const isError = local?.result === "temperror" || local?.result === "permerror";
  return (isError ? undefined : local?.result) ?? guess?.result ?? result;
}

/**
 * Between an evaluation and where its answers come from: it notes how long each takes, and remembers
 * them, so that a second look at the same domain asks nothing again.
 */
class AnswerLog implements AnswerSource {
  readonly #source: AnswerSource;
  readonly #nowMs: () => number;
  readonly #answers = new Map<string, LoggedAnswer>();

  constructor(source: AnswerSource, nowMs: () => number) {
    this.#source = source;
    this.#nowMs = nowMs;
  }

  /** The questions that went out so far, in order. */
  get asked(): readonly LoggedAnswer[] {
    return [...this.#answers.values()];
  }

  ask(question: Question, done: (answer: Answer) => void): Answer | Pending {
    const known = this.#answers.get(questionKey(question));
    if (known !== undefined) return known.answer;
    const beganMs = this.#nowMs();
    const note = (answer: Answer): Answer => {
      this.#answers.set(questionKey(question), { question, answer, elapsedMs: this.#nowMs() - beganMs });
      return answer;
    };
    const asked = this.#source.ask(question, (answer) => {
      done(note(answer));
    });
    return "cancel" in asked ? asked : note(asked);
  }
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
