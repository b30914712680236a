import {
  type IpAddress,
  isMultiLabelDomain,
  type OctetString,
  toALabels,
  withoutFinalDot,
} from "../address/index.ts";
import { domainExplanation } from "./explanation.ts";
import { isAskable, type MacroString, printable, readsMacro, targetName } from "./macros.ts";
import {
  addressMatches,
  hint,
  isStatic,
  type StaticMechanism,
  staticMatches,
  validatedName,
} from "./mechanisms.ts";
import {
  type Directive,
  type Keeping,
  type Mechanism,
  type Modifier,
  type ParsedRecord,
  printMechanisms,
  type Qualifier,
  readRecord,
  type SpfRecord,
} from "./record.ts";
import { type CurrentRecord, fetchRecord, Scope, Session, SpfError, Term } from "./session.ts";
import { NO_TRACE, RecordTrace, type RecordTracer } from "./trace.ts";
import type {
  Answer,
  CheckHostInput,
  Evaluating,
  Outcome,
  PathStep,
  RuleOutcome,
  SpfResult,
  Step,
} from "./types.ts";

/** Records inside records. The lookup limit stops them long before; an operator may have set it very high. */
const NESTING_MAX = 100;

/** A record came to an end: a directive matched, or none did and there was no redirect. */
interface Decision {
  readonly result: Exclude<SpfResult, "none" | "temperror" | "permerror">;
  /** The directive that matched, or `default`, in the record that decided. */
  readonly mechanism: string;
  readonly path: readonly PathStep[];
  /** The record that decided: after a redirect it is the target's. */
  readonly decidedIn: CurrentRecord;
}

/** RFC 7208 section 4.6.2. */
const RESULTS: Readonly<Record<Qualifier, Decision["result"]>> = {
  "+": "pass",
  "-": "fail",
  "~": "softfail",
  "?": "neutral",
};

/**
 * check_host() (RFC 7208 section 4). A generator without side effects: it yields DNS questions, is resumed with
 * their answers, and returns the outcome. It never throws, and it asks no more than its limits allow whatever
 * the zones hold. Other steps are resumed without a value and change nothing but time.
 */
export function* checkHost(input: CheckHostInput): Generator<Step, Outcome, Answer | undefined> {
  const session = new Session(input);
  const scope = new Scope(session);
  const converted = toALabels(input.domain);
  const domain = withoutFinalDot(converted ?? input.domain);
  const trace = input.trace ? new RecordTrace(domain, "published") : NO_TRACE;
  let decision: Decision | undefined;
  let error: SpfError | undefined;
  let rules: RuleOutcomes = {};
  let explanation: OctetString | undefined;
  const outcome = (): Outcome => ({
    result: decision?.result ?? error?.result ?? "none",
    domain,
    mechanism: decision?.mechanism,
    path: decision?.path ?? [],
    explanation: explanation === undefined ? undefined : { text: explanation, source: "domain" },
    problem: error?.message,
    failure: error?.failure,
    record: scope.ownRecord?.text,
    recordSource: scope.ownRecord?.source ?? "published",
    lookups: scope.lookups,
    voids: scope.voids,
    macrosRead: session.macrosRead,
    ttlSeconds: session.ttlSeconds,
    local: rules.local,
    guess: rules.guess,
    trace: trace.tree,
  });

  // RFC 7208 section 4.3: nothing is asked for a malformed domain.
  if (converted === undefined || !isMultiLabelDomain(converted)) return outcome();
  try {
    decision = yield* checkDomain(scope, domain, undefined, trace, { depth: 0, takesLocalRules: true });
  } catch (thrown) {
    error = endedBy(thrown, scope, trace);
  }

  // The published result is known, and stands whatever becomes of the rest.
  const isSilent = decision === undefined && error === undefined;
  const place = isSilent ? { domain, trace } : scope.localRulesPlace;
  const { localPolicy } = input;
  if (
    place !== undefined &&
    (localPolicy.rules !== undefined || (isSilent && localPolicy.guess !== undefined))
  ) {
    yield { kind: "known", result: outcome(), next: "rules" };
    rules = yield* operatorRules(session, place, isSilent);
  }
  if (decision?.result === "fail" && decision.decidedIn.record.explanation !== undefined) {
    yield { kind: "known", result: outcome(), next: "explanation" };
    explanation = yield* domainExplanation(scope, decision.decidedIn);
  }
  return outcome();
}

/** The error that ended an evaluation, noted in its trace; a defect of ours is thrown on. */
function endedBy(thrown: unknown, scope: Scope, trace: RecordTracer): SpfError {
  if (!(thrown instanceof SpfError)) throw thrown;
  trace.fail(thrown.result, thrown.message, scope);
  return thrown;
}

/**
 * Fetches, parses and evaluates the record of one domain (RFC 7208 sections 4.3 to 4.7); undefined where there is
 * none. `term` is the include or redirect that leads here, undefined for the domain that is checked.
 */
function* checkDomain(
  scope: Scope,
  domain: OctetString,
  term: Term | undefined,
  trace: RecordTracer,
  { depth, takesLocalRules }: Pick<CurrentRecord, "depth" | "takesLocalRules">,
): Evaluating<Decision | undefined> {
  // Section 4.3; macros can make any name.
  if (!isAskable(domain) || !isMultiLabelDomain(domain)) return undefined;
  if (depth > NESTING_MAX && term !== undefined) {
    throw term.error("permerror", "lookups", `records are nested more than ${NESTING_MAX} deep`);
  }
  // Sections 4.4 and 4.5.
  const fetched = yield* fetchRecord(scope.session, domain, term, trace);
  term?.trace.nestedFetched(scope);
  if (fetched === undefined) return undefined;
  scope.ownRecord ??= fetched;
  trace.record(fetched.text, fetched.source);
  // Section 4.6.
  const relevant = new RelevantTerms(scope, trace);
  const parsed = yield* inTurns(readRecord(fetched.text, relevant));
  if ("fault" in parsed) {
    const { term: text, reason } = parsed.fault;
    const problem = `${printable(domain)}: syntax error in "${printable(text)}": ${reason}`;
    throw new SpfError("permerror", "syntax", problem);
  }
  const { rulesIndex } = relevant;
  const current = { domain, record: parsed.record, trace, depth, takesLocalRules, rulesIndex };
  const decision = yield* evaluateRecord(scope, current);
  trace.end(decision.result);
  return decision;
}

/** Runs a parser to its end, with a turn for others now and then. */
function* inTurns(parser: Generator<undefined, ParsedRecord>): Evaluating<ParsedRecord> {
  for (;;) {
    const next = parser.next();
    if (next.done === true) return next.value;
    yield { kind: "pause" };
  }
}

/**
 * What of a record can play a part, where no trace of it is wanted: directives with lookups, one more than there may
 * be, and the first other one that matches. Thousands of evaluations may wait for an answer that is late, each in ten
 * records of nine thousand terms, and hold what is kept of them meanwhile.
 */
class RelevantTerms implements Keeping {
  readonly keepsUnknownModifiers: boolean;
  readonly #ip: IpAddress;
  readonly #rules = new RulesPlace();
  #lookupsLeft: number;
  #kept = 0;
  #isDecided = false;

  constructor({ session, lookupsLeft }: Scope, trace: RecordTracer) {
    this.keepsUnknownModifiers = trace.tree !== undefined;
    this.#ip = session.ip;
    this.#lookupsLeft = lookupsLeft + 1;
  }

  /** See {@link localRulesIndex}: among those that are kept. */
  get rulesIndex(): number | undefined {
    return this.#rules.index;
  }

  keepsDirective(directive: Directive): boolean {
    this.#rules.add(directive, this.#kept);
    const isKept = this.keepsUnknownModifiers || this.#isRelevant(directive);
    if (isKept) this.#kept++;
    return isKept;
  }

  #isRelevant({ mechanism }: Directive): boolean {
    if (this.#isDecided) return false;
    if (!isStatic(mechanism)) return this.#lookupsLeft-- > 0;
    this.#isDecided = staticMatches(mechanism, this.#ip);
    return this.#isDecided;
  }
}

/** Directives from left to right, then the redirect, then the default (RFC 7208 sections 4.6.2, 4.7 and 6.1). */
function* evaluateRecord(
  scope: Scope,
  current: CurrentRecord & { readonly rulesIndex: number | undefined },
): Evaluating<Decision> {
  const { record, domain, takesLocalRules, rulesIndex } = current;
  yield* hint(scope, current);
  for (const [i, directive] of record.directives.entries()) {
    if (takesLocalRules && i === rulesIndex) scope.localRulesPlace = current;
    const path = yield* matchDirective(scope, current, directive);
    if (path === undefined) continue;
    return { result: RESULTS[directive.qualifier], mechanism: directive.text, path, decidedIn: current };
  }
  const redirected = record.redirect && (yield* followRedirect(scope, current, record.redirect));
  if (redirected !== undefined) return redirected;
  const path = [{ domain, term: "default" }];
  return { result: "neutral", mechanism: "default", path, decidedIn: current };
}

/** The way from a directive to what matched inside it; undefined where it does not match. */
function* matchDirective(
  scope: Scope,
  current: CurrentRecord,
  { mechanism, text }: Directive,
): Evaluating<readonly PathStep[] | undefined> {
  const term = new Term(scope, current, text);
  const inner = isStatic(mechanism)
    ? staticMatches(mechanism, scope.session.ip) && NOTHING_INSIDE
    : yield* matchByLookup(term, mechanism, current.depth);
  term.end(inner !== false);
  return inner === false ? undefined : [{ domain: current.domain, term: text }, ...inner];
}

const NOTHING_INSIDE: readonly PathStep[] = [];

/** Whether a mechanism that counts as a lookup matches; an include with the way to what matched inside. */
function* matchByLookup(
  term: Term,
  mechanism: Exclude<Mechanism, StaticMechanism>,
  depth: number,
): Evaluating<readonly PathStep[] | false> {
  term.count();
  const name = yield* targetOf(term, mechanism.target);
  if (name === undefined) return false;
  if (mechanism.kind === "include") return yield* includeMatches(term, name, depth);
  return (yield* addressMatches(term, mechanism, name)) && NOTHING_INSIDE;
}

/**
 * The name a term is about; undefined where it reads a local part that no name can hold (RFC 8616 section 4).
 * The PTR question of %{p} counts as one more lookup (RFC 7208 section 4.6.4), once in an evaluation.
 */
function* targetOf(term: Term, target: MacroString | undefined): Evaluating<OctetString | undefined> {
  const { scope, session, domain } = term;
  let name = domain;
  if (target !== undefined) {
    session.noteMacros(target);
    if (session.isUnmatchable(target)) return undefined;
    let clientName = "unknown";
    if (readsMacro(target, "p")) {
      if (scope.pointers === undefined) term.count();
      clientName = yield* validatedName(scope, domain, (question) => term.ask(question));
    }
    name = targetName(target, session.macroValues(domain, clientName));
  }
  term.trace.target(name);
  return name;
}

/** The `include` mechanism (RFC 7208 section 5.2): only a pass inside matches. */
function* includeMatches(
  term: Term,
  name: OctetString,
  depth: number,
): Evaluating<readonly PathStep[] | false> {
  const decision = yield* checkTarget(term, name, { depth: depth + 1, takesLocalRules: false });
  return decision.result === "pass" && decision.path;
}

/** The `redirect` modifier (RFC 7208 section 6.1); undefined where it cannot be followed (RFC 8616 section 4). */
function* followRedirect(
  scope: Scope,
  current: CurrentRecord,
  redirect: Modifier,
): Evaluating<Decision | undefined> {
  const { domain, depth, takesLocalRules } = current;
  const term = new Term(scope, current, redirect.text);
  term.count();
  const name = yield* targetOf(term, redirect.value);
  if (name === undefined) {
    term.end(false);
    return undefined;
  }
  const decision = yield* checkTarget(term, name, { depth: depth + 1, takesLocalRules });
  term.end(true);
  return { ...decision, path: [{ domain, term: redirect.text }, ...decision.path] };
}

/** What the record decides that an include or redirect leads to; a domain without one is a permerror. */
function* checkTarget(
  term: Term,
  name: OctetString,
  place: Pick<CurrentRecord, "depth" | "takesLocalRules">,
): Evaluating<Decision> {
  const decision = yield* checkDomain(term.scope, name, term, term.trace.nested(name), place);
  if (decision === undefined)
    throw term.error("permerror", "include", `${printable(name)} publishes no SPF record`);
  return decision;
}

/** What the operator's rules led to. */
type RuleOutcomes = { readonly [Kind in "local" | "guess"]?: RuleOutcome };

/**
 * SPFGuess, then SPFRules, for a domain that publishes nothing; an error in a guess ends both. For others SPFRules
 * alone, where the evaluation has come to their place. Neither touches the published result.
 */
function* operatorRules(
  session: Session,
  place: Pick<CurrentRecord, "domain" | "trace">,
  isSilent: boolean,
): Evaluating<RuleOutcomes> {
  const { guess, rules } = session.input.localPolicy;
  let { trace } = place;
  if (isSilent && guess !== undefined) {
    trace = trace.rules(place.domain, "guess");
    const outcome = yield* evaluateRules(session, guess, place.domain, trace);
    if (outcome?.result === "temperror" || outcome?.result === "permerror") return {};
    if (outcome !== undefined) return { guess: outcome };
  }
  if (rules === undefined) return {};
  const local = yield* evaluateRules(session, rules, place.domain, trace.rules(place.domain, "local policy"));
  return local === undefined ? {} : { local };
}

/** Evaluates local rules or guess rules for a domain; undefined where no directive matches. */
function* evaluateRules(
  session: Session,
  rules: SpfRecord,
  domain: OctetString,
  trace: RecordTracer,
): Evaluating<RuleOutcome | undefined> {
  const scope = new Scope(session);
  const current = { domain, record: rules, trace, depth: 0, takesLocalRules: false };
  trace.record(printMechanisms(rules));
  yield* hint(scope, current);
  for (const directive of rules.directives) {
    const { text: mechanism } = directive;
    try {
      if ((yield* matchDirective(scope, current, directive)) === undefined) continue;
    } catch (thrown) {
      return { result: endedBy(thrown, scope, trace).result, mechanism };
    }
    const result = RESULTS[directive.qualifier];
    trace.end(result);
    return { result, mechanism };
  }
  return undefined;
}

/**
 * Where the operator's local rules go in a record, as the qmail patch has it: in front of the run of directives
 * with one qualifier (`-`, `~` or `?`) that ends in `all`. Undefined where the record has no such run, or the
 * run begins the record: local rules do not help a domain that sends no mail.
 */
export function localRulesIndex({ directives }: SpfRecord): number | undefined {
  const place = new RulesPlace();
  for (const [i, directive] of directives.entries()) place.add(directive, i);
  return place.index;
}

/** Finds what {@link localRulesIndex} does in directives that come one after another. */
class RulesPlace {
  index: number | undefined;
  #qualifier: Qualifier | undefined;
  /** Where the last run begins; undefined where it begins the record. */
  #start: number | undefined;
  #isOver = false;

  add({ qualifier, mechanism }: Directive, index: number): void {
    if (this.#isOver) return;
    if (qualifier !== this.#qualifier) {
      this.#start = this.#qualifier === undefined ? undefined : index;
      this.#qualifier = qualifier;
    }
    if (mechanism.kind !== "all") return;
    this.#isOver = true;
    if (qualifier !== "+") this.index = this.#start;
  }
}
