import type { SpfResult } from "spf-check";
import { type OctetString, octetsOfText } from "../address/index.ts";
import { printable } from "../trace-fields/index.ts";
import type { ActingResult, Cause } from "./judgement.ts";
import type { ActionSettings } from "./settings.ts";

/** The values of the placeholders of RejectReason. Printable ASCII. */
export interface ReasonValues {
  /** `postmaster@HELO` where the HELO identity was checked. */
  readonly sender: string;
  readonly domain: string;
  readonly helo: string;
  readonly ip: string;
  /** The host that checks. */
  readonly host: string;
  readonly result: string;
  readonly explanation: string;
  readonly problem: string;
}

const PLACEHOLDER = /\{(sender|domain|helo|ip|host|result|explanation)\}|%(?:([1-3])\$)?s|%%/g;

/** The order of the printf form that smf-spf 2.5 has. */
const BY_POSITION = ["sender", "ip", "host"] as const;

/**
 * The operator's text with its placeholders filled in: `{sender}` and the other names, and the printf form
 * `%s %s %s` or `%1$s`. What is filled in is not looked at again; a `%` or brace that is not a placeholder stays.
 */
function fillIn(template: string, values: ReasonValues): string {
  let position = 0;
  return template.replace(PLACEHOLDER, (text: string, name?: keyof ReasonValues, number?: string) => {
    if (text === "%%") return "%";
    if (name !== undefined) return values[name];
    const key = BY_POSITION[number === undefined ? position++ : Number(number) - 1];
    return key === undefined ? text : values[key];
  });
}

/** The sentence for a refusal where the operator has given none: one for each result, true for it. */
export function sentenceFor(cause: Cause, values: ReasonValues): string {
  if (cause.basis === "guess") {
    return `${values.ip} is not known as a host of ${values.domain}, which publishes no SPF record`;
  }
  return cause.basis === "local" ? localSentence(cause, values) : publishedSentence(cause, values);
}

/** Whether a result says something of the client, and not that there is none or that it could not be found out. */
function isSaidOfTheClient({ result }: ActingResult): boolean {
  return result === "fail" || result === "softfail" || result === "neutral";
}

function localSentence(cause: Cause, values: ReasonValues): string {
  const use = `${values.ip} ${useOf(cause, values)}`;
  if (isSaidOfTheClient(cause)) return `Local policy of this server does not permit ${use}`;
  const when = cause.result === "temperror" ? "cannot tell at present" : "is in error and cannot tell";
  return `Local policy of this server ${when} whether to permit ${use}`;
}

function publishedSentence(cause: Cause, values: ReasonValues): string {
  const { domain, ip, problem } = values;
  const why = problem === "" ? "" : `: ${problem}`;
  switch (cause.result) {
    case "pass":
    case "fail":
      return `SPF fail: ${domain} does not permit ${ip} ${useOf(cause, values)}`;
    case "softfail":
      return `SPF softfail: ${domain} probably does not permit ${ip} ${useOf(cause, values)}`;
    case "neutral":
      return `SPF neutral: ${domain} does not say whether it permits ${ip} ${useOf(cause, values)}`;
    case "none":
      return cause.checked.identity === "helo"
        ? "The HELO name publishes no SPF record; this server requires one for bounces"
        : `${domain} publishes no SPF record; this server requires one`;
    case "temperror":
      return `SPF of ${domain} cannot be checked at present${why}`;
    case "permerror":
      return `SPF of ${domain} cannot be checked: its record is invalid${problem === "" ? "" : ` (${problem})`}`;
  }
}

function useOf({ checked }: Cause, { sender }: ReasonValues): string {
  return checked.identity === "helo" ? "to use it as HELO name" : `to send mail for ${sender}`;
}

/** An SMTP reply that refuses. Printable ASCII throughout; no line reaches 512 octets with its codes. */
export interface Reply {
  readonly code: "550" | "450" | "451" | "452";
  /** RFC 3463, RFC 7372. */
  readonly enhanced: string;
  readonly lines: readonly string[];
}

/** What a reply says apart from the cause. */
export interface ReplyFacts {
  readonly helo: OctetString;
  /** The address that was evaluated. */
  readonly ip: string;
  /** The name of the host that checks. */
  readonly receiver: OctetString;
}

/** Leaves room for the address that Sendmail puts before a reply. */
const LINE_OCTETS_MAX = 400;
const TEXT_OCTETS_MAX = 2_000;
const VALUE_OCTETS_MAX = 320;

const SUBJECT_AND_DETAIL: Readonly<Record<Exclude<SpfResult, "pass">, string>> = {
  fail: "7.23",
  softfail: "7.23",
  neutral: "7.23",
  temperror: "7.24",
  permerror: "7.24",
  none: "7.1",
};

/** The reply that refuses for this cause (RFC 7208 section 8, RFC 7372 section 3.2). */
export function refusal(
  actions: Pick<ActionSettings, "softFail" | "rejectReason">,
  cause: Cause,
  facts: ReplyFacts,
): Reply {
  if (cause.checked.outcome.failure === "overload") return OVERLOADED;
  const values = reasonValues(cause, facts);
  const template = actions.rejectReason;
  const custom =
    template === undefined ? "" : printable(fillIn(octetsOfText(template), values), false).trim();
  const lines = replyLines(custom === "" ? sentenceFor(cause, values) : custom);
  // A text of the operator's that has the explanation in it does not need it twice.
  const told = custom !== "" && template?.includes("{explanation}") === true;
  const explanation = told ? undefined : explanationLine(cause, values);
  if (explanation !== undefined) lines.push(...replyLines(explanation));
  const detail = SUBJECT_AND_DETAIL[cause.result === "pass" ? "fail" : cause.result];
  if (cause.result === "temperror") return { code: "451", enhanced: `4.${detail}`, lines };
  return permanentOrNot(actions, detail, lines);
}

/** Whatever AcceptTempError says: the client tries again, and is checked then. */
const OVERLOADED: Reply = {
  code: "451",
  enhanced: "4.3.2",
  lines: ["Too many SPF checks at once, try again later"],
};

/** The reply where a DKIM verifier could not tell at present whether the signature of this domain is good. */
export function evidenceDeferral(domain: OctetString): Reply {
  return { code: "451", enhanced: "4.7.0", lines: [`DKIM of ${domain} cannot be checked at present`] };
}

/** The reply to a MAIL FROM that is not an address. */
export function senderSyntaxReply(actions: Pick<ActionSettings, "softFail">): Reply {
  return permanentOrNot(actions, "1.7", ["Sender address does not conform to RFC 5321 syntax"]);
}

/** The reply to a RCPT TO that is not an address. */
export function recipientSyntaxReply(actions: Pick<ActionSettings, "softFail">): Reply {
  return permanentOrNot(actions, "1.3", ["Recipient address does not conform to RFC 5321 syntax"]);
}

/** The reply to a message with more recipients than are kept in memory (RFC 5321 section 4.5.3.1.10). */
export const TOO_MANY_RECIPIENTS: Reply = { code: "452", enhanced: "4.5.3", lines: ["Too many recipients"] };

/** The reply to a message with more header fields to be removed or tagged than an MTA can be asked to. */
export const TOO_MANY_FIELDS: Reply = {
  code: "550",
  enhanced: "5.7.1",
  lines: ["Too many header fields that have to be removed or changed"],
};

/** The first line of a reply as it is sent, for the log. */
export function firstLine({ code, enhanced, lines }: Reply): string {
  return `${code} ${enhanced} ${lines[0] ?? ""}`;
}

function permanentOrNot(
  { softFail }: Pick<ActionSettings, "softFail">,
  detail: string,
  lines: readonly string[],
): Reply {
  return softFail
    ? { code: "450", enhanced: `4.${detail}`, lines }
    : { code: "550", enhanced: `5.${detail}`, lines };
}

function reasonValues({ checked, result }: Cause, facts: ReplyFacts): ReasonValues {
  const { outcome, sender } = checked;
  return {
    sender: shownEnd(sender),
    domain: shownEnd(outcome.domain),
    helo: shownEnd(facts.helo),
    ip: facts.ip,
    host: shownEnd(facts.receiver),
    result,
    explanation: printable(outcome.explanation?.text ?? "", false),
    problem: printable(outcome.problem ?? "", false).slice(0, VALUE_OCTETS_MAX),
  };
}

/** A long value keeps its right-hand end, where the domain is that answers for it. */
function shownEnd(value: OctetString): string {
  // No octet becomes less than one, and 4 more keep a UTF-8 sequence that is cut in two out of sight.
  const text = printable(value.slice(-(VALUE_OCTETS_MAX + 4)), false);
  return text.length <= VALUE_OCTETS_MAX ? text : `...${text.slice(-VALUE_OCTETS_MAX)}`;
}

/**
 * The domain's words are marked as such, since they are not ours (RFC 7208 section 8.4). They are added to a
 * refusal by local rules too: the domain has said fail then, and there is no SPFExplanation in their place. They
 * do not explain an error.
 */
function explanationLine(cause: Cause, values: ReasonValues): string | undefined {
  const { explanation } = cause.checked.outcome;
  if (explanation === undefined || values.explanation.trim() === "") return undefined;
  if (explanation.source === "default") return values.explanation;
  return isSaidOfTheClient(cause) ? `The domain ${values.domain} explains: ${values.explanation}` : undefined;
}

/** A text cut into lines, at spaces where there are some. */
function replyLines(text: string): string[] {
  const lines: string[] = [];
  let rest = text.slice(0, TEXT_OCTETS_MAX).trim();
  while (rest.length > LINE_OCTETS_MAX) {
    const space = rest.lastIndexOf(" ", LINE_OCTETS_MAX);
    const end = space > 0 ? space : LINE_OCTETS_MAX;
    lines.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  lines.push(rest);
  return lines;
}
