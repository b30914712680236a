import type { OctetString } from "../address/index.ts";
import type { Decided, Evaluation } from "./check-domain.ts";
import type { Asker } from "./client-names.ts";
import { type Evaluating, type Failure, isFailure } from "./evaluating.ts";
import { expandText, type MacroValues, readsMacro } from "./expand-macros.ts";
import type { Answer, RecordType } from "./lookup.ts";
import { parseMacroString } from "./parse-macro-string.ts";
import type { MacroString } from "./record.ts";
import { isAskable, targetName } from "./target-name.ts";
import { traceLookup } from "./trace-draft.ts";

/** An explanation is one line of an SMTP reply (RFC 7208 section 6.2, RFC 5321 section 4.5.3.1.5). */
export const EXPLANATION_OCTETS_MAX = 500;

/**
 * The explanation that the domain gives with exp= (RFC 7208 section 6.2). Undefined where it gives none, where
 * DNS has trouble, there is not exactly one TXT record, the text is empty or wrong, or it is not all printable
 * ASCII. Nothing here counts against the limits; what is over the length is cut off.
 */
export function* domainExplanation(
  evaluation: Evaluation,
  decidedIn: Decided["decidedIn"],
): Evaluating<OctetString | undefined> {
  const { record, draft } = decidedIn;
  if (record.explanation === undefined) return undefined;
  const { session } = evaluation;
  const target = record.explanation.value;
  session.noteMacros(target);
  if (session.isUnmatchable(target)) return undefined;
  const name = targetName(target, yield* values(evaluation, target, decidedIn));
  if (!isAskable(name)) return undefined;
  const question = { name, type: "TXT" } as const;
  const answer = yield* session.ask(question);
  if (draft !== undefined) draft.explanationLookup = traceLookup(question, answer);
  if (answer.status !== "found" || answer.records.length !== 1) return undefined;

  const parsed = parseMacroString(answer.records[0] ?? "", "explanation");
  if ("fault" in parsed) return undefined;
  const { macroString } = parsed;
  session.noteMacros(macroString);
  // %{t} is the time of this evaluation (RFC 7208 section 7.3), and true for no other.
  if (readsMacro(macroString, "t")) session.ttlSeconds = 0;
  const macroValues = yield* values(evaluation, macroString, decidedIn);
  const text = expandText(macroString, macroValues, EXPLANATION_OCTETS_MAX).slice(0, EXPLANATION_OCTETS_MAX);
  return text !== "" && /^[\x20-\x7e]*$/.test(text) ? text : undefined;
}

function* values(
  { session, clientNames }: Evaluation,
  string: MacroString,
  { domain, draft }: Decided["decidedIn"],
): Evaluating<MacroValues> {
  if (!readsMacro(string, "p")) return session.macroValues(domain, "unknown");
  const uncounted: Asker = {
    *ask<T extends RecordType>(name: OctetString, type: T): Evaluating<Answer<T> | Failure> {
      const question = { name, type };
      const answer = yield* session.ask<T>(question);
      draft?.explanationNameLookups.push(traceLookup(question, answer));
      return answer;
    },
  };
  const name = yield* clientNames.best(domain, uncounted);
  return session.macroValues(domain, isFailure(name) ? "unknown" : name);
}
