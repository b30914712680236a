import { type OctetString, withoutFinalDot } from "../address/index.ts";
import {
  expandText,
  isAskable,
  type MacroString,
  type MacroValues,
  parseMacroString,
  readsMacro,
  targetName,
} from "./macros.ts";
import { type Ask, validatedName } from "./mechanisms.ts";
import { type CurrentRecord, type Scope, sessionMacroValues } from "./session.ts";
import type { Answer, CheckHostInput, Evaluating, Outcome, Question, RecordType } from "./types.ts";

/** An explanation is one line of an SMTP reply (RFC 7208 section 6.2, RFC 5321 section 4.5.3.1.5). */
const EXPLANATION_OCTETS_MAX = 500;

/**
 * The explanation that the domain gives with exp= (RFC 7208 section 6.2). Undefined where it gives none, where
 * DNS fails, there is not exactly one TXT record, the text is empty or wrong, or it is not all printable
 * ASCII. Nothing here counts against the limits; what is over the length is cut off.
 */
export function* domainExplanation(
  scope: Scope,
  current: CurrentRecord,
): Evaluating<OctetString | undefined> {
  const { trace } = current;
  const target = current.record.explanation?.value;
  if (target === undefined) return undefined;
  const { session } = scope;
  session.noteMacros(target);
  if (session.isUnmatchable(target)) return undefined;
  const name = targetName(target, yield* macroValues(scope, current, target));
  if (!isAskable(name)) return undefined;
  const question = { name, type: "TXT" } as const;
  const answer = yield* session.ask(question);
  trace.explanation(question, answer);
  if (answer.status !== "found") return undefined;
  // The identical record twice is one record (RFC 2181 section 5).
  const [record, ...others] = new Set(answer.records);
  if (record === undefined || others.length > 0) return undefined;

  const parsed = parseMacroString(record, "explanation");
  if ("fault" in parsed) return undefined;
  const { macroString } = parsed;
  session.noteMacros(macroString);
  // %{t} is the time of this evaluation (RFC 7208 section 7.3), and true for no other.
  if (readsMacro(macroString, "t")) session.ttlSeconds = 0;
  const values = yield* macroValues(scope, current, macroString);
  const text = expandText(macroString, values, EXPLANATION_OCTETS_MAX).slice(0, EXPLANATION_OCTETS_MAX);
  return text !== "" && /^[\x20-\x7e]*$/.test(text) ? text : undefined;
}

function* macroValues(
  scope: Scope,
  { domain, trace }: CurrentRecord,
  string: MacroString,
): Evaluating<MacroValues> {
  const { session } = scope;
  if (!readsMacro(string, "p")) return session.macroValues(domain, "unknown");
  const uncounted: Ask = function* <T extends RecordType>(question: Question<T>): Evaluating<Answer<T>> {
    const answer = yield* session.ask(question);
    trace.explanationName(question, answer);
    return answer;
  };
  return session.macroValues(domain, yield* validatedName(scope, domain, uncounted));
}

/** What the operator's explanation is expanded with. */
export interface ExplanationInput
  extends Pick<CheckHostInput, "ip" | "sender" | "helo" | "receiver" | "nowSeconds" | "localPolicy"> {
  /** The verified host name of the client, for %{p}: an explanation of ours causes no DNS lookups. */
  readonly clientName?: string | undefined;
}

/**
 * The outcome with the operator's explanation (`SPFExplanation`) where the domain gave none and the result is
 * not pass. It belongs after the verdict cache: an explanation that names the sender would make every cached
 * outcome one sender's own. Besides the macros of RFC 7208 section 7.2 there are %{xr}, the receiving host,
 * %{xs}, what decided (`SPF record at example.com` or `local policy`), and %{xe}, what went wrong.
 */
export function withDefaultExplanation(input: ExplanationInput, outcome: Outcome): Outcome {
  const template = input.localPolicy.explanation;
  if (template === undefined || outcome.explanation !== undefined || outcome.result === "pass")
    return outcome;
  const parsed = parseMacroString(template, "own explanation");
  if ("fault" in parsed) return outcome;
  const expanded = expandText(parsed.macroString, ownMacroValues(input, outcome), EXPLANATION_OCTETS_MAX);
  const text = expanded.slice(0, EXPLANATION_OCTETS_MAX).replace(/[^\x20-\x7e]/g, "?");
  return text === "" ? outcome : { ...outcome, explanation: { text, source: "default" } };
}

function ownMacroValues(input: ExplanationInput, outcome: Outcome): MacroValues {
  const byRules = outcome.local !== undefined || outcome.guess !== undefined;
  return {
    ...sessionMacroValues(input),
    domain: outcome.domain,
    validatedName: withoutFinalDot(input.clientName ?? "unknown"),
    decidedBy: byRules ? "local policy" : `SPF record at ${decidingDomain(outcome)}`,
    problem: outcome.problem ?? "",
  };
}

/** The domain whose record decided: after a redirect it is the target. */
function decidingDomain({ domain, path }: Outcome): string {
  return path.find(({ term }) => !/^redirect=/i.test(term))?.domain ?? domain;
}
