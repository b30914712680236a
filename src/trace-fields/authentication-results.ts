import type { OctetString } from "../address/index.ts";
import type { CheckedIdentity } from "./checked-identity.ts";
import { fold, wordsOf } from "./folding.ts";
import { printableAddress, printableDomain } from "./printable.ts";
import { propertyValue, tokenOrQuoted } from "./quoting.ts";

/** What the Authentication-Results field says. */
export interface AuthenticationResults {
  /** RFC 8601 section 2.5. */
  readonly authservId: OctetString;
  /** One or two identities; each gets its own result and property. */
  readonly checked: readonly CheckedIdentity[];
  readonly helo: OctetString;
  readonly smtputf8: boolean;
}

/**
 * The value of the Authentication-Results field (RFC 8601 section 2.2), folded with LF and a space, without a
 * space in front. Local policy and guesses are comments: a reader such as DMARC must see the published result.
 * With nothing checked it says `none`.
 */
export function authenticationResults(field: AuthenticationResults): OctetString {
  const id = tokenOrQuoted(printableDomain(field.authservId, field.smtputf8));
  const results = field.checked.map((checked) => resultWords(field, checked));
  const clauses = results.length > 0 ? results : [["none"]];
  return fold("Authentication-Results", [
    `${id};`,
    ...clauses.flatMap((words, index) =>
      index < clauses.length - 1 ? [...words.slice(0, -1), `${words.at(-1) ?? ""};`] : words,
    ),
  ]);
}

function resultWords(field: AuthenticationResults, checked: CheckedIdentity): OctetString[] {
  const { outcome } = checked;
  const words = [`spf=${outcome.result}`];
  if (outcome.local !== undefined) words.push(...wordsOf(`(local policy: ${outcome.local.result})`));
  if (outcome.guess !== undefined) words.push(...wordsOf(`(best guess: ${outcome.guess.result})`));
  words.push(
    checked.identity === "mailfrom"
      ? `smtp.mailfrom=${propertyValue(printableAddress(checked.sender, field.smtputf8))}`
      : `smtp.helo=${propertyValue(printableDomain(field.helo, field.smtputf8))}`,
  );
  return words;
}
