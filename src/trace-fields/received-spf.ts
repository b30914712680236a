import type { Outcome, SpfResult } from "spf-check";
import type { IpAddress, OctetString } from "../address/index.ts";
import {
  commentText,
  dotAtomOrQuoted,
  fold,
  foldText,
  printableAddress,
  printableDomain,
  printableText,
  quotedString,
  wordsOf,
} from "./field-text.ts";

/** Who connected and who checked: what the trace fields say apart from the result. */
export interface TraceFacts {
  /** The name of the host that checks. */
  readonly receiver: OctetString;
  /** The address that was evaluated. */
  readonly ip: IpAddress;
  readonly helo: OctetString;
  /** The message may carry UTF-8 in its fields (RFC 6531). */
  readonly smtputf8: boolean;
  /** The domain whose DKIM signature has spared the sender (AcceptDKIM). */
  readonly dkimPass?: OctetString | undefined;
}

/** One evaluated identity of a message. */
export interface CheckedIdentity {
  /** `helo` for the HELO identity and for the null sender. */
  readonly identity: "mailfrom" | "helo";
  /** `local@domain`; `postmaster@HELO` for the HELO identity. */
  readonly sender: OctetString;
  readonly outcome: Pick<Outcome, "result" | "mechanism" | "problem" | "recordSource" | "local" | "guess">;
}

/** The results as RFC 7208 section 9.1 is commonly written; they are read without regard to case. */
const TITLES: Record<SpfResult, string> = {
  none: "None",
  neutral: "Neutral",
  pass: "Pass",
  fail: "Fail",
  softfail: "SoftFail",
  temperror: "TempError",
  permerror: "PermError",
};

/** `Pass`, `SoftFail` … */
function titleOf(result: SpfResult): string {
  return TITLES[result];
}

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
  if (facts.dkimPass !== undefined) comment += `; dkim pass: ${printableDomain(facts.dkimPass, false)}`;
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

/**
 * The value of the X-SPF-Guess field: what the operator's guess rules said of a domain that publishes nothing.
 * A field of its own, because a guess is not an SPF result. Undefined where nothing was guessed.
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
