import type { OctetString } from "../address/index.ts";
import type { SpfResult } from "../spf-check/index.ts";
import { type CheckedIdentity, type TraceFacts, titleOf } from "./checked-identity.ts";
import { fold, wordsOf } from "./folding.ts";
import { printableAddress, printableDomain, printableText } from "./printable.ts";
import { commentText, dotAtomOrQuoted, quotedString } from "./quoting.ts";

/**
 * The value of the Received-SPF field (RFC 7208 section 9.1 with erratum 5436), folded with LF and a space,
 * without a space in front.
 */
export function receivedSpf(facts: TraceFacts, checked: CheckedIdentity): OctetString {
  const comment = commentText(commentOf(facts, checked));
  const pairs = pairsOf(facts, checked).map(
    ([key, value], index, all) => `${key}=${valueOf(key, value)}${index < all.length - 1 ? ";" : ""}`,
  );
  return fold("Received-SPF", [titleOf(checked.outcome.result), ...wordsOf(`(${comment})`), ...pairs]);
}

/** A directive is quoted also where it is a dot-atom, such as `-all`, so that `default` cannot be taken for one. */
function valueOf(key: string, value: OctetString): OctetString {
  return key === "mechanism" && value !== "default" ? quotedString(value) : dotAtomOrQuoted(value);
}

function pairsOf(facts: TraceFacts, checked: CheckedIdentity): [string, OctetString][] {
  const { smtputf8 } = facts;
  const { outcome } = checked;
  const pairs: [string, OctetString][] = [
    ["receiver", printableDomain(facts.receiver, smtputf8)],
    ["client-ip", facts.ip.text],
    ["identity", checked.identity],
  ];
  if (checked.identity === "mailfrom") {
    pairs.push(["envelope-from", printableAddress(checked.sender, smtputf8)]);
  }
  pairs.push(["helo", printableDomain(facts.helo, smtputf8)]);
  if (outcome.mechanism !== undefined) pairs.push(["mechanism", printableText(outcome.mechanism, smtputf8)]);
  if (outcome.problem !== undefined) pairs.push(["problem", printableText(outcome.problem, smtputf8)]);
  return pairs;
}

function commentOf(facts: TraceFacts, checked: CheckedIdentity): OctetString {
  const { outcome } = checked;
  const host = printableDomain(facts.receiver, facts.smtputf8);
  const sender = printableAddress(checked.sender, facts.smtputf8);
  let comment = `${host}: ${sentenceFor(outcome.result, sender, facts.ip.text, outcome.problem)}`;
  if (outcome.recordSource !== "published") comment += `; ${outcome.recordSource} record`;
  if (outcome.local !== undefined) comment += `; local policy: ${outcome.local.result}`;
  if (outcome.guess !== undefined) comment += `; best guess: ${outcome.guess.result}`;
  return comment;
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
