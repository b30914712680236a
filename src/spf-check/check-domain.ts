import { isMultiLabelDomain, type OctetString } from "../address/index.ts";
import type { ClientNames } from "./client-names.ts";
import { type Evaluating, type Failure, isFailure } from "./evaluating.ts";
import { readsMacro } from "./expand-macros.ts";
import { type FetchedRecord, fetchRecord } from "./fetch-record.ts";
import { recordHints } from "./hints.ts";
import { localRulesIndex } from "./local-rules-index.ts";
import { aMatches, existsMatches, isStatic, mxMatches, ptrMatches, staticMatches } from "./mechanisms.ts";
import type { PathStep } from "./outcome.ts";
import { parseRecord } from "./parse-record.ts";
import { printable } from "./printable.ts";
import type { Directive, MacroString, Modifier, Qualifier, SpfRecord } from "./record.ts";
import type { SpfResult } from "./result.ts";
import type { Session } from "./session.ts";
import { isAskable, targetName } from "./target-name.ts";
import { type Budget, Term } from "./term.ts";
import type { TraceTerm } from "./trace.ts";
import { type RecordDraft, recordDraft } from "./trace-draft.ts";

/** Records inside records. The lookup limit stops them long before; an operator may have set it very high. */
const NESTING_MAX = 100;

/** One policy being evaluated: the published one, the local rules or the guess rules. */
export interface Evaluation {
  readonly session: Session;
  readonly budget: Budget;
  readonly clientNames: ClientNames;
}

/** Evaluates local rules where a record has a place for them, for the domain of that record. */
export type RulesHook = (domain: OctetString, draft: RecordDraft | undefined) => Evaluating<void>;

/** What came of the record of one domain. */
export type Verdict = {
  /** The record of the domain itself, also where it does not parse. */
  readonly fetched: FetchedRecord | undefined;
  readonly draft: RecordDraft | undefined;
} & ({ readonly end: "none" } | { readonly end: "failure"; readonly failure: Failure } | Decided);

/** A record came to an end: a directive matched, or none did and there was no redirect. */
export interface Decided {
  readonly end: "decided";
  readonly result: Exclude<SpfResult, "none" | "temperror" | "permerror">;
  /** The directive that matched, or `default`, in the record that decided. */
  readonly mechanism: string;
  readonly path: readonly PathStep[];
  /** The record that decided, the domain it belongs to and its trace: behind a redirect it is the target's. */
  readonly decidedIn: {
    readonly record: SpfRecord;
    readonly domain: OctetString;
    readonly draft: RecordDraft | undefined;
  };
}

const RESULTS: Readonly<Record<Qualifier, Decided["result"]>> = {
  "+": "pass",
  "-": "fail",
  "~": "softfail",
  "?": "neutral",
};

/** The result of a matching directive (RFC 7208 section 4.6.2). */
export function resultOf(directive: Directive): Decided["result"] {
  return RESULTS[directive.qualifier];
}

/**
 * Fetches, parses and evaluates the record of one domain (RFC 7208 sections 4.3 to 4.7). `term` is the include
 * or redirect that leads here, undefined for the domain that is checked; `rules` is given where local rules
 * have a place, `depth` is the number of records around this one.
 */
export function* checkDomain(
  evaluation: Evaluation,
  domain: OctetString,
  term: Term | undefined,
  rules: RulesHook | undefined,
  depth: number,
): Evaluating<Verdict> {
  const { session } = evaluation;
  const draft = session.input.trace ? recordDraft(domain, "published") : undefined;
  const close = (verdict: Verdict): Verdict => {
    if (draft === undefined) return verdict;
    draft.result =
      verdict.end === "failure" ? verdict.failure.result : verdict.end === "none" ? "none" : verdict.result;
    draft.problem = verdict.end === "failure" ? verdict.failure.problem : undefined;
    return verdict;
  };

  // RFC 7208 section 4.3; macros can make any name.
  if (!isAskable(domain) || !isMultiLabelDomain(domain))
    return close({ end: "none", fetched: undefined, draft });
  if (depth > NESTING_MAX && term !== undefined) {
    const failure = term.fail("permerror", `records lie more than ${NESTING_MAX} deep in each other`);
    return close({ end: "failure", failure, fetched: undefined, draft });
  }
  const fetched = yield* fetchRecord(session, domain, term, draft);
  term?.noteCounts();
  if (fetched === undefined) return close({ end: "none", fetched, draft });
  if (isFailure(fetched)) return close({ end: "failure", failure: fetched, fetched: undefined, draft });
  if (draft !== undefined) {
    draft.source = fetched.source;
    draft.record = fetched.text;
  }

  const parsed = parseRecord(fetched.text);
  if ("fault" in parsed) {
    const { term: text, reason } = parsed.fault;
    const problem = `${printable(domain)}: syntax error in "${printable(text)}": ${reason}`;
    return close({ end: "failure", failure: { result: "permerror", problem }, fetched, draft });
  }
  const decided = yield* evaluateRecord(evaluation, { record: parsed.record, domain, draft }, rules, depth);
  if (isFailure(decided)) return close({ end: "failure", failure: decided, fetched, draft });
  // Written out, here and wherever much is copied: V8 11 gives every copy by spread that more is added to a
  // hidden class of its own, which is learnt anew at every look at it.
  const { end, result, mechanism, path, decidedIn } = decided;
  return close({ end, result, mechanism, path, decidedIn, fetched, draft });
}

/** Directives from left to right, then the redirect, then the default (RFC 7208 sections 4.6.2, 4.7 and 6.1). */
function* evaluateRecord(
  evaluation: Evaluation,
  scope: Decided["decidedIn"],
  rules: RulesHook | undefined,
  depth: number,
): Evaluating<Decided | Failure> {
  const { record, domain, draft } = scope;
  yield* hint(evaluation, record, domain);
  const rulesIndex = rules === undefined ? undefined : localRulesIndex(record);
  for (const [i, directive] of record.directives.entries()) {
    if (rules !== undefined && i === rulesIndex) yield* rules(domain, draft);
    const match = yield* evaluateDirective(evaluation, directive, domain, draft?.terms, depth);
    if (isFailure(match)) return match;
    if (match !== undefined) {
      const { text: mechanism } = directive;
      return { end: "decided", result: resultOf(directive), mechanism, path: match, decidedIn: scope };
    }
  }
  if (record.redirect !== undefined) {
    const redirected = yield* followRedirect(evaluation, record.redirect, scope, rules, depth);
    if (redirected !== undefined) return redirected;
  }
  const path = [{ domain, term: "default" }];
  return { end: "decided", result: "neutral", mechanism: "default", path, decidedIn: scope };
}

/** Offers the questions of a record to the driver; a single one would be asked next anyway. */
export function* hint(evaluation: Evaluation, record: SpfRecord, domain: OctetString): Evaluating<void> {
  const { session, budget } = evaluation;
  if (!session.input.hints) return;
  const questions = recordHints(session, record, domain, budget.remaining);
  if (questions.length > 1) yield { kind: "hint", questions };
}

/** The way from a directive to what matched inside it, undefined where it does not match. */
export function* evaluateDirective(
  evaluation: Evaluation,
  directive: Directive,
  domain: OctetString,
  entries: TraceTerm[] | undefined,
  depth: number,
): Evaluating<readonly PathStep[] | Failure | undefined> {
  const { session, budget } = evaluation;
  const { mechanism, text } = directive;
  const step: PathStep = { domain, term: text };
  // The common case, which needs no more than this.
  if (entries === undefined && isStatic(mechanism)) {
    return staticMatches(mechanism, session.ip) ? [step] : undefined;
  }
  const term = new Term(session, budget, domain, text);
  const match = yield* matchMechanism(evaluation, directive, term, depth);
  const failure = isFailure(match) ? match : undefined;
  const entry = term.finish(match !== false && failure === undefined, failure);
  if (entry !== undefined) entries?.push(entry);
  if (failure !== undefined || isFailure(match)) return failure;
  if (match === false) return undefined;
  return match === true ? [step] : [step, ...match];
}

/** Whether a mechanism matches; for an include, the way to what matched inside. */
function* matchMechanism(
  evaluation: Evaluation,
  { mechanism }: Directive,
  term: Term,
  depth: number,
): Evaluating<boolean | readonly PathStep[] | Failure> {
  if (isStatic(mechanism)) return staticMatches(mechanism, term.session.ip);
  const over = term.count();
  if (over !== undefined) return over;
  const name = yield* resolveTarget(evaluation, term, mechanism.target);
  if (isFailure(name)) return name;
  if (name === undefined) return false;
  switch (mechanism.kind) {
    case "include":
      return yield* includeMatches(evaluation, term, name, depth);
    case "a":
      return yield* aMatches(term, name, mechanism.cidr);
    case "mx":
      return yield* mxMatches(term, name, mechanism.cidr);
    case "ptr":
      return yield* ptrMatches(term, name, evaluation.clientNames);
    case "exists":
      return yield* existsMatches(term, name);
  }
}

/**
 * The name a term is about; undefined where it reads a local part that no name can hold (RFC 8616 section 4).
 * The PTR question of %{p} counts as one more lookup (RFC 7208 section 4.6.4), once in an evaluation.
 */
function* resolveTarget(
  { session, clientNames }: Evaluation,
  term: Term,
  target: MacroString | undefined,
): Evaluating<OctetString | Failure | undefined> {
  let name: OctetString | Failure | undefined = term.domain;
  if (target !== undefined) {
    session.noteMacros(target);
    if (session.isUnmatchable(target)) return undefined;
    let clientName: OctetString | Failure = "unknown";
    if (readsMacro(target, "p")) {
      const over = clientNames.known ? undefined : term.count();
      if (over !== undefined) return over;
      clientName = yield* clientNames.best(term.domain, term);
      if (isFailure(clientName)) return clientName;
    }
    name = targetName(target, session.macroValues(term.domain, clientName));
  }
  if (term.draft !== undefined) term.draft.target = name;
  return name;
}

/** The `include` mechanism (RFC 7208 section 5.2): only a pass inside matches. */
function* includeMatches(
  evaluation: Evaluation,
  term: Term,
  name: OctetString,
  depth: number,
): Evaluating<readonly PathStep[] | false | Failure> {
  const verdict = yield* checkDomain(evaluation, name, term, undefined, depth + 1);
  if (term.draft !== undefined) term.draft.nested = verdict.draft;
  if (verdict.end === "failure") return verdict.failure;
  if (verdict.end === "none") return term.fail("permerror", `${printable(name)} publishes no SPF record`);
  return verdict.result === "pass" ? verdict.path : false;
}

/** The `redirect` modifier (RFC 7208 section 6.1); undefined where it cannot be followed (RFC 8616 section 4). */
function* followRedirect(
  evaluation: Evaluation,
  redirect: Modifier,
  { domain, draft }: Decided["decidedIn"],
  rules: RulesHook | undefined,
  depth: number,
): Evaluating<Decided | Failure | undefined> {
  const term = new Term(evaluation.session, evaluation.budget, domain, redirect.text);
  const outcome = yield* redirectOutcome(evaluation, redirect, term, rules, depth);
  const failure = isFailure(outcome) ? outcome : undefined;
  const entry = term.finish(outcome !== undefined && failure === undefined, failure);
  if (entry !== undefined) draft?.terms.push(entry);
  if (outcome === undefined || isFailure(outcome)) return outcome;
  return { ...outcome, path: [{ domain, term: redirect.text }, ...outcome.path] };
}

function* redirectOutcome(
  evaluation: Evaluation,
  redirect: Modifier,
  term: Term,
  rules: RulesHook | undefined,
  depth: number,
): Evaluating<Decided | Failure | undefined> {
  const over = term.count();
  if (over !== undefined) return over;
  const name = yield* resolveTarget(evaluation, term, redirect.value);
  if (name === undefined || isFailure(name)) return name;
  const verdict = yield* checkDomain(evaluation, name, term, rules, depth + 1);
  if (term.draft !== undefined) term.draft.nested = verdict.draft;
  if (verdict.end === "failure") return verdict.failure;
  if (verdict.end === "none") return term.fail("permerror", `${printable(name)} publishes no SPF record`);
  const { end, result, mechanism, path, decidedIn } = verdict;
  return { end, result, mechanism, path, decidedIn };
}
