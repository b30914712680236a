import type { OctetString } from "../address/index.ts";
import { evaluateDirective, hint, resultOf } from "./check-domain.ts";
import { ClientNames } from "./client-names.ts";
import { type Evaluating, isFailure } from "./evaluating.ts";
import type { RuleOutcome } from "./outcome.ts";
import { printMechanisms } from "./print-record.ts";
import type { SpfRecord } from "./record.ts";
import type { Session } from "./session.ts";
import { Budget } from "./term.ts";
import { type RecordDraft, recordDraft } from "./trace-draft.ts";

/** What came of the operator's rules: nothing where none matched. */
export interface RulesVerdict {
  readonly outcome: RuleOutcome | undefined;
  readonly draft: RecordDraft | undefined;
}

/**
 * Evaluates local rules or guess rules for a domain. They have limits and client names of their own, so that
 * the published result and its counts are the same with and without them.
 */
export function* evaluateRules(
  session: Session,
  rules: SpfRecord,
  domain: OctetString,
  source: "local policy" | "guess",
): Evaluating<RulesVerdict> {
  const budget = new Budget(session.input.limits);
  const evaluation = { session, budget, clientNames: new ClientNames(session) };
  const draft = session.input.trace ? recordDraft(domain, source) : undefined;
  if (draft !== undefined) draft.record = printMechanisms(rules);
  yield* hint(evaluation, rules, domain);
  for (const directive of rules.directives) {
    const match = yield* evaluateDirective(evaluation, directive, domain, draft?.terms, 0);
    if (match === undefined) continue;
    const failed = isFailure(match);
    const result = failed ? match.result : resultOf(directive);
    if (draft !== undefined) {
      draft.result = result;
      draft.problem = failed ? match.problem : undefined;
    }
    return { outcome: { result, mechanism: directive.text }, draft };
  }
  return { outcome: undefined, draft };
}
