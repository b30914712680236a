/** What a message gets: Received-SPF, X-SPF-Guess, Authentication-Results, and a tag in its Subject. */
import type { Outcome, SpfResult } from "spf-check";
import { type IpAddress, isAscii, type OctetString, octetsOfText } from "../address/index.ts";
import {
  commentText,
  dotAtomOrQuoted,
  fold,
  foldText,
  printableAddress,
  printableDomain,
  printableText,
  propertyValue,
  quotedString,
  tokenOrQuoted,
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

/** One evaluated identity of a message (RFC 7208 sections 2.3 and 2.4). */
export interface CheckedIdentity {
  /** `helo` for the HELO identity and for the null sender. */
  readonly identity: "mailfrom" | "helo";
  /** `local@domain`; `postmaster@HELO` for the HELO identity. */
  readonly sender: OctetString;
  readonly outcome: Outcome;
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

/**
 * The value of the Received-SPF field (RFC 7208 section 9.1 with erratum 5436), folded with LF and a space,
 * without a space in front.
 */
export function receivedSpf(facts: TraceFacts, checked: CheckedIdentity): OctetString {
  const shown: Shown = {
    receiver: printableDomain(facts.receiver, facts.smtputf8),
    sender: printableAddress(checked.sender, facts.smtputf8),
  };
  const title = TITLES[checked.outcome.result];
  const comment = `(${commentOf(facts, checked, shown)})`;
  const pairs = pairsOf(facts, checked, shown);
  // A quoted value stays on one line, with the spaces in it.
  if (!pairs.some((pair) => pair.includes(" "))) {
    return foldText("Received-SPF", `${title} ${comment} ${pairs.join("; ")}`);
  }
  const last = pairs.length - 1;
  const words = pairs.map((pair, index) => (index < last ? `${pair};` : pair));
  return fold("Received-SPF", [title, ...wordsOf(comment), ...words]);
}

/** What is both in the comment and in a pair. */
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
    return foldText("Authentication-Results", `${id}; ${clauses.length > 0 ? clauses.join("; ") : "none"}`);
  }
  const last = results.length - 1;
  const words = results.flatMap(({ verdict, property }, index) => [
    ...wordsOf(verdict),
    index < last ? `${property};` : property,
  ]);
  return fold("Authentication-Results", [`${id};`, ...(words.length > 0 ? words : ["none"])]);
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

/** RFC 5322 section 2.1.1. */
const LINE_OCTETS_MAX = 998;
const SUBJECT_OCTETS = "Subject: ".length;
/** An encoded-word has at most 75 octets (RFC 2047 section 2), `=?UTF-8?B?` and `?=` among them. */
const ENCODED_OCTETS_MAX = 45;

/**
 * The Subject with the tag in front of it: `Tag Subject`. Folds, encoded words and the white space with which
 * the value begins stay as they were; an MTA that keeps leading spaces (SMFIP_HDR_LEADSPC) gets its own back.
 * A tag that is not ASCII becomes encoded words (RFC 2047).
 *
 * @param value the field's value as the MTA gave it; empty where there is no Subject
 * @param tag the operator's text
 */
export function tagSubject(value: OctetString, tag: string): OctetString {
  const leading = /^[ \t]*/.exec(value)?.[0] ?? "";
  const subject = value.slice(leading.length);
  const octets = octetsOfText(tag.replace(/[\0-\x1f\x7f]+/g, " ").trim());
  if (octets === "") return value;
  if (subject === "") return leading + encodeTag(octets, false);
  const shown = encodeTag(octets, subject.startsWith("=?"));
  // A fold straight after the tag is already the space between them.
  if (/^\r?\n[ \t]/.test(subject)) return leading + shown + subject;
  const firstLine = subject.split("\n", 1)[0] ?? "";
  const length = SUBJECT_OCTETS + leading.length + shown.length + 1 + firstLine.length;
  return `${leading}${shown}${length > LINE_OCTETS_MAX ? "\n " : " "}${subject}`;
}

/** Between two encoded words a reader drops the space, so it is then encoded along. */
function encodeTag(octets: OctetString, beforeEncodedWord: boolean): OctetString {
  if (isAscii(octets)) return octets;
  const words: string[] = [];
  let chunk = "";
  for (const character of Buffer.from(octets + (beforeEncodedWord ? " " : ""), "latin1").toString("utf8")) {
    const more = chunk + character;
    if (Buffer.byteLength(more, "utf8") > ENCODED_OCTETS_MAX) {
      words.push(chunk);
      chunk = character;
    } else {
      chunk = more;
    }
  }
  words.push(chunk);
  return words.map((word) => `=?UTF-8?B?${Buffer.from(word, "utf8").toString("base64")}?=`).join(" ");
}
