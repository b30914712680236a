import type { OctetString } from "../address/index.ts";
import {
  fold,
  foldText,
  printableAddress,
  printableDomain,
  propertyValue,
  tokenOrQuoted,
  wordsOf,
} from "./field-text.ts";
import type { CheckedIdentity } from "./received-spf.ts";

const NAME = "Authentication-Results";

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
  const results = field.checked.map((checked) => resultOf(field, checked));
  // A quoted value stays on one line, with the spaces in it.
  if (!id.includes(" ") && !results.some(({ property }) => property.includes(" "))) {
    const clauses = results.map(({ verdict, property }) => `${verdict} ${property}`);
    return foldText(NAME, `${id}; ${clauses.length > 0 ? clauses.join("; ") : "none"}`);
  }
  const last = results.length - 1;
  const words = results.flatMap(({ verdict, property }, index) => [
    ...wordsOf(verdict),
    index < last ? `${property};` : property,
  ]);
  return fold(NAME, [`${id};`, ...(words.length > 0 ? words : ["none"])]);
}

/** One clause: method, result and comments, and the property that was checked. */
interface ShownResult {
  readonly verdict: OctetString;
  readonly property: OctetString;
}

function resultOf({ helo, smtputf8 }: AuthenticationResults, checked: CheckedIdentity): ShownResult {
  const { outcome } = checked;
  let verdict = `spf=${outcome.result}`;
  if (outcome.local !== undefined) verdict += ` (local policy: ${outcome.local.result})`;
  if (outcome.guess !== undefined) verdict += ` (best guess: ${outcome.guess.result})`;
  return {
    verdict,
    property:
      checked.identity === "mailfrom"
        ? `smtp.mailfrom=${propertyValue(printableAddress(checked.sender, smtputf8))}`
        : `smtp.helo=${propertyValue(printableDomain(helo, smtputf8))}`,
  };
}
