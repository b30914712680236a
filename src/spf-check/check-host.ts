import { isMultiLabelDomain, type OctetString, toALabels, withoutFinalDot } from "../address/index.ts";
import { checkDomain, type Evaluation, type Verdict } from "./check-domain.ts";
import { ClientNames } from "./client-names.ts";
import type { Evaluating } from "./evaluating.ts";
import { domainExplanation } from "./explanation.ts";
import type { CheckHostInput } from "./input.ts";
import type { Answer, Step } from "./lookup.ts";
import type { Outcome, RuleOutcome } from "./outcome.ts";
import { evaluateRules } from "./rules.ts";
import { Session } from "./session.ts";
import { Budget } from "./term.ts";
import { type RecordDraft, recordDraft } from "./trace-draft.ts";

/** What the operator's rules led to. */
interface RuleOutcomes {
  local: RuleOutcome | undefined;
  guess: RuleOutcome | undefined;
}

/**
 * check_host() (RFC 7208 section 4). A generator without side effects: it yields DNS questions, is resumed with
 * their answers, and returns the outcome. It never throws, and it asks no more than its limits allow whatever
 * the zones hold. Hints are resumed without a value and change nothing but time.
 */
export function* checkHost(input: CheckHostInput): Generator<Step, Outcome, Answer | undefined> {
  const session = new Session(input);
  const converted = toALabels(input.domain);
  const domain = withoutFinalDot(converted ?? input.domain);
  // RFC 7208 section 4.3: nothing is asked for a malformed domain.
  if (converted === undefined || !isMultiLabelDomain(converted)) {
    return noOutcome(session, domain);
  }
  const budget = new Budget(input.limits);
  const evaluation: Evaluation = { session, budget, clientNames: new ClientNames(session) };
  const rules: RuleOutcomes = { local: undefined, guess: undefined };
  const localRules = input.localPolicy.rules;
  const hook =
    localRules === undefined
      ? undefined
      : function* (place: OctetString, draft: RecordDraft | undefined): Evaluating<void> {
          const verdict = yield* evaluateRules(session, localRules, place, "local policy");
          rules.local = verdict.outcome;
          if (draft !== undefined) draft.rules = verdict.draft;
        };
  const verdict = yield* checkDomain(evaluation, domain, undefined, hook, 0);
  if (verdict.end === "none") yield* rulesOfSilentDomain(session, domain, rules, verdict.draft);
  const explanation =
    verdict.end === "decided" && verdict.result === "fail"
      ? yield* domainExplanation(evaluation, verdict.decidedIn)
      : undefined;
  return {
    ...noOutcome(session, domain),
    ...resultParts(verdict),
    explanation: explanation === undefined ? undefined : { text: explanation, source: "domain" },
    lookups: budget.lookups,
    voids: budget.voids,
    ...rules,
    trace: verdict.draft,
  };
}

/** Guess rules, then local rules, for a domain that publishes nothing; a fault in a guess ends both. */
function* rulesOfSilentDomain(
  session: Session,
  domain: OctetString,
  rules: RuleOutcomes,
  draft: RecordDraft | undefined,
): Evaluating<void> {
  const { guess, rules: local } = session.input.localPolicy;
  let place = draft;
  if (guess !== undefined) {
    const { outcome, draft: own } = yield* evaluateRules(session, guess, domain, "guess");
    if (place !== undefined) place.rules = own;
    place = own;
    if (outcome !== undefined) {
      const failed = outcome.result === "temperror" || outcome.result === "permerror";
      if (!failed) rules.guess = outcome;
      return;
    }
  }
  if (local === undefined) return;
  const { outcome, draft: own } = yield* evaluateRules(session, local, domain, "local policy");
  if (place !== undefined) place.rules = own;
  rules.local = outcome;
}

function resultParts(
  verdict: Verdict,
): Pick<Outcome, "result" | "mechanism" | "path" | "problem" | "record" | "recordSource"> {
  const record = verdict.fetched?.text;
  const recordSource = verdict.fetched?.source ?? "published";
  switch (verdict.end) {
    case "none":
      return { result: "none", mechanism: undefined, path: [], problem: undefined, record, recordSource };
    case "failure": {
      const { result, problem } = verdict.failure;
      return { result, mechanism: undefined, path: [], problem, record, recordSource };
    }
    case "decided": {
      const { result, mechanism, path } = verdict;
      return { result, mechanism, path, problem: undefined, record, recordSource };
    }
  }
}

function noOutcome(session: Session, domain: OctetString): Outcome {
  return {
    result: "none",
    domain,
    mechanism: undefined,
    path: [],
    explanation: undefined,
    problem: undefined,
    record: undefined,
    recordSource: "published",
    lookups: 0,
    voids: 0,
    macrosRead: session.macrosRead,
    ttlSeconds: session.ttlSeconds,
    local: undefined,
    guess: undefined,
    trace: session.input.trace ? recordDraft(domain, "published") : undefined,
  };
}
