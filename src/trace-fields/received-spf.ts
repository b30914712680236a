import type { SpfResult } from "spf-check";
import type { OctetString } from "../address/index.ts";
import { type CheckedIdentity, type TraceFacts, titleOf } from "./checked-identity.ts";
import { fold, foldText, wordsOf } from "./folding.ts";
import { printableAddress, printableDomain, printableText } from "./printable.ts";
import { commentText, dotAtomOrQuoted, quotedString } from "./quoting.ts";

/**
 * The value of the Received-SPF field (RFC 7208 section 9.1 with erratum 5436), folded with LF and a space,
 * without a space in front.
 */
export function receivedSpf(facts: TraceFacts, checked: CheckedIdentity): OctetString {
  const shown: Shown = {
    receiver: printableDomain(facts.receiver, facts.smtputf8),
    sender: printableAddress(checked.sender, facts.smtputf8),
  };
  const title = titleOf(checked.outcome.result);
  const comment = `(${commentOf(facts, checked, shown)})`;
  const pairs = pairsOf(facts, checked, shown);
  // A quoted value stays on one line, with the spaces in it.
  if (!pairs.some((pair) => pair.includes(" "))) {
    return foldText(NAME, `${title} ${comment} ${pairs.join("; ")}`);
  }
  const last = pairs.length - 1;
  const words = pairs.map((pair, index) => (index < last ? `${pair};` : pair));
  return fold(NAME, [title, ...wordsOf(comment), ...words]);
}

const NAME = "Received-SPF";

/** What stands both in the comment and in a pair. */
interface Shown {
  readonly receiver: OctetString;
  readonly sender: OctetString;
}

function pairsOf(facts: TraceFacts, checked: CheckedIdentity, { receiver, sender }: Shown): OctetString[] {
  const { smtputf8 } = facts;
  const { identity, outcome } = checked;
  const pairs = [
    `receiver=${dotAtomOrQuoted(receiver)}`,
    `client-ip=${dotAtomOrQuoted(facts.ip.text)}`,
    `identity=${identity}`,
  ];
  if (identity === "mailfrom") pairs.push(`envelope-from=${dotAtomOrQuoted(sender)}`);
  pairs.push(`helo=${dotAtomOrQuoted(printableDomain(facts.helo, smtputf8))}`);
  if (outcome.mechanism !== undefined) pairs.push(`mechanism=${directive(outcome.mechanism, smtputf8)}`);
  if (outcome.problem !== undefined) {
    pairs.push(`problem=${dotAtomOrQuoted(printableText(outcome.problem, smtputf8))}`);
  }
  return pairs;
}

/** A directive is quoted also where it is a dot-atom, such as `-all`, so that `default` cannot be taken for one. */
function directive(mechanism: OctetString, smtputf8: boolean): OctetString {
  const text = printableText(mechanism, smtputf8);
  return text === "default" ? text : quotedString(text);
}

function commentOf(
  facts: TraceFacts,
  { outcome }: CheckedIdentity,
  { receiver, sender }: Shown,
): OctetString {
  let comment = `${receiver}: ${sentenceFor(outcome.result, sender, facts.ip.text, outcome.problem)}`;
  if (outcome.recordSource !== "published") comment += `; ${outcome.recordSource} record`;
  if (outcome.local !== undefined) comment += `; local policy: ${outcome.local.result}`;
  if (outcome.guess !== undefined) comment += `; best guess: ${outcome.guess.result}`;
  return commentText(comment);
}

function sentenceFor(
  result: SpfResult,
  sender: OctetString,
  ip: string,
  problem: OctetString | undefined,
): OctetString {
  switch (result) {
    case "pass":
      return `domain of ${sender} designates ${ip} as permitted sender`;
    case "fail":
      return `domain of ${sender} does not designate ${ip} as permitted sender`;
    case "softfail":
      return `transitioning domain of ${sender} does not designate ${ip} as permitted sender`;
    case "neutral":
      return `${ip} is neither permitted nor denied by domain of ${sender}`;
    case "none":
      return `domain of ${sender} does not designate permitted sender hosts`;
    case "temperror":
    case "permerror": {
      const what = problem === undefined ? "" : `: ${printableText(problem, false)}`;
      return `error in processing during lookup of ${sender}${what}`;
    }
  }
}
