import type { ActingResult, Cause } from "./judgement.ts";

/** What the placeholders of RejectReason stand for. Printable ASCII. */
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
 * `%s %s %s` or `%1$s`. What is filled in is not looked at again; a `%` or brace that is no placeholder stays.
 */
export function fillIn(template: string, values: ReasonValues): string {
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
export function isSaidOfTheClient({ result }: ActingResult): boolean {
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
      return cause.verdict.identity === "helo"
        ? "The HELO name publishes no SPF record, which is required here of mail without a sender"
        : `${domain} publishes no SPF record, which is required here of senders`;
    case "temperror":
      return `SPF of ${domain} cannot be checked at present${why}`;
    case "permerror":
      return `SPF of ${domain} cannot be checked, its policy is in error${why}`;
  }
}

function useOf({ verdict }: Cause, { sender }: ReasonValues): string {
  return verdict.identity === "helo" ? "to use it as HELO name" : `to send mail of ${sender}`;
}
