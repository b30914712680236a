import { unmapIpv4 } from "../address/index.ts";
import { expandText, type MacroValues } from "./expand-macros.ts";
import { EXPLANATION_OCTETS_MAX } from "./explanation.ts";
import type { CheckHostInput } from "./input.ts";
import type { Outcome } from "./outcome.ts";
import { parseMacroString } from "./parse-macro-string.ts";
import { senderParts } from "./session.ts";

/** What the operator's explanation is expanded with. */
export interface ExplanationInput
  extends Pick<CheckHostInput, "ip" | "sender" | "helo" | "receiver" | "nowSeconds" | "localPolicy"> {
  /** The verified host name of the client, for %{p}: an explanation of ours causes no DNS lookups. */
  readonly clientName?: string | undefined;
}

/**
 * The outcome with the operator's explanation (`SPFExplanation`) where the domain gave none and the result is
 * not pass. It belongs behind the verdict cache: an explanation that names the sender would make every cached
 * outcome one sender's own. Besides the macros of RFC 7208 section 7.2 there are %{xr}, the receiving host,
 * %{xs}, what decided (`SPF record at example.com` or `local policy`), and %{xe}, what went wrong.
 */
export function withDefaultExplanation(input: ExplanationInput, outcome: Outcome): Outcome {
  const template = input.localPolicy.explanation;
  if (template === undefined || outcome.explanation !== undefined || outcome.result === "pass")
    return outcome;
  const parsed = parseMacroString(template, "own explanation");
  if ("fault" in parsed) return outcome;
  const expanded = expandText(parsed.macroString, macroValues(input, outcome), EXPLANATION_OCTETS_MAX);
  const text = expanded.slice(0, EXPLANATION_OCTETS_MAX).replace(/[^\x20-\x7e]/g, "?");
  return text === "" ? outcome : { ...outcome, explanation: { text, source: "default" } };
}

function macroValues(input: ExplanationInput, outcome: Outcome): MacroValues {
  const { helo, receiver, nowSeconds } = input;
  const { localPart, senderDomain } = senderParts(input.sender);
  const byRules = outcome.local !== undefined || outcome.guess !== undefined;
  return {
    localPart,
    senderDomain,
    ip: unmapIpv4(input.ip),
    domain: outcome.domain,
    helo,
    receiver,
    nowSeconds,
    validatedName: input.clientName ?? "unknown",
    decidedBy: byRules ? "local policy" : `SPF record at ${decidingDomain(outcome)}`,
    problem: outcome.problem ?? "",
  };
}

/** The domain whose record decided: behind a redirect it is the target. */
function decidingDomain({ domain, path }: Outcome): string {
  return path.find(({ term }) => !/^redirect=/i.test(term))?.domain ?? domain;
}
