import type { OctetString } from "../address/index.ts";
import type { CheckedIdentity, TraceFacts } from "./checked-identity.ts";
import { foldText } from "./folding.ts";
import { printableAddress, printableDomain, printableText } from "./printable.ts";
import { commentText } from "./quoting.ts";

/**
 * The value of the X-SPF-Guess field: what the operator's guess rules said of a domain that publishes nothing.
 * A field of its own, because a guess is no SPF result. Undefined where nothing was guessed.
 */
export function guessField(facts: TraceFacts, checked: CheckedIdentity): OctetString | undefined {
  const { guess } = checked.outcome;
  if (guess === undefined) return undefined;
  const host = printableDomain(facts.receiver, facts.smtputf8);
  const sender = printableAddress(checked.sender, facts.smtputf8);
  const rule = printableText(guess.mechanism, facts.smtputf8);
  const comment = `${host}: domain of ${sender} publishes no SPF record; ${facts.ip.text} guessed by ${rule}`;
  return foldText("X-SPF-Guess", `${guess.result} (${commentText(comment)})`);
}
