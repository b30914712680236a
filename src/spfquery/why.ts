import {
  type Directive,
  type Outcome,
  type PathStep,
  parseRecord,
  type TraceLookup,
  type TraceRecord,
  type TraceTerm,
} from "spf-check";
import { formatNetwork, type IpAddress, isMultiLabelDomain, parseNetwork } from "../address/index.ts";
import { type Report, termsOf } from "./query.ts";
import { answerText, listed, policyAnswerText, questionText, visible } from "./wording.ts";

/** A network, or a rule in words, that a policy lets send. */
export interface Permitted {
  /** `192.0.2.0/24`, or words where it is not a fixed network. */
  readonly what: string;
  readonly family: 4 | 6 | undefined;
  /** The directive where it says more than `what`, and the domain whose record holds it. */
  readonly by: string;
}

/** What an evaluation that matched nothing found to be permitted: all that leads to pass. */
function permittedBy(trace: TraceRecord): Permitted[] {
  const parsed = trace.record === undefined ? undefined : parseRecord(trace.record);
  if (parsed === undefined || "fault" in parsed) return [];
  const directives = new Map(parsed.record.directives.map((directive) => [directive.text, directive]));
  return trace.terms.flatMap((term) => {
    const directive = directives.get(term.term);
    if (directive === undefined) return term.nested === undefined ? [] : permittedBy(term.nested);
    return directive.qualifier === "+" ? permittedByTerm(trace, term, directive) : [];
  });
}

function permittedByTerm(trace: TraceRecord, term: TraceTerm, { mechanism, text }: Directive): Permitted[] {
  const domain = visible(trace.domain);
  const by = mechanism.kind === "a" || mechanism.kind === "mx" ? `${visible(text)} of ${domain}` : domain;
  const network = (address: IpAddress, prefixLength: number): Permitted => {
    const parsed = parseNetwork(`${address.text}/${prefixLength}`);
    const whole = prefixLength === (address.family === 4 ? 32 : 128);
    const what = parsed === undefined || whole ? address.text : formatNetwork(parsed.network);
    return { by, what, family: address.family };
  };
  const target = visible(term.target ?? trace.domain);
  switch (mechanism.kind) {
    case "ip4":
    case "ip6":
      return [network(mechanism.address, mechanism.prefixLength)];
    case "a":
    case "mx":
      return addressesOf(term).map((address) =>
        network(address, address.family === 4 ? mechanism.cidr.ip4 : mechanism.cidr.ip6),
      );
    case "include":
      return term.nested === undefined ? [] : permittedBy(term.nested);
    case "ptr":
      return [{ by, what: `hosts whose verified name ends in ${target}`, family: undefined }];
    case "exists":
      return [{ by, what: `clients for which ${visible(mechanism.target.text)} exists`, family: undefined }];
    case "all":
      return [{ by, what: "every host", family: undefined }];
  }
}

function addressesOf(term: TraceTerm): IpAddress[] {
  return term.lookups.flatMap(({ question, answer }) => {
    if (answer.status !== "found" || (question.type !== "A" && question.type !== "AAAA")) return [];
    return answer.records.flatMap((record) =>
      typeof record === "object" && "bytes" in record ? [record] : [],
    );
  });
}

/** How many permitted networks are named before the rest is only counted. */
const PERMITTED_SHOWN_MAX = 16;

/**
 * Why the check came out as it did, in paragraphs of plain words: the record, the directive and the lookup that
 * decided, what would have passed, and what the owner of the domain can do. Items of a list begin with `- `.
 */
export function whyOf(report: Report): string[] {
  const { outcome } = report;
  return [...publishedWhy(report), ...rulesWhy(outcome)];
}

function publishedWhy(report: Report): string[] {
  const { outcome, query } = report;
  const ip = query.ip.text;
  switch (outcome.result) {
    case "pass":
      return [`${ip} is permitted by ${decidingText(report)}.${evidenceText(outcome)}`];
    case "fail":
      return [...notPermitted(report, "and says that such mail is to be refused"), ...remedy(report)];
    case "softfail":
      return [
        ...notPermitted(
          report,
          "and says that such mail is probably forged, but not to be refused for that alone",
        ),
        ...remedy(report),
      ];
    case "neutral":
      return [...notPermitted(report, "and says nothing about other hosts"), ...remedy(report)];
    case "none":
      return noneWhy(report);
    case "temperror":
      return [
        `A DNS lookup failed, so there is no verdict: ${outcome.problem ?? ""}.`,
        "This may clear up by itself; a mail server that defers such mail gets it again later.",
        ...faultsText(outcome.trace),
      ];
    case "permerror":
      return [
        `The policy cannot be evaluated: ${outcome.problem ?? ""}.`,
        "The owner of the domain has to correct the record; until then nobody gets a pass from it reliably.",
        ...lookupsText(report),
      ];
  }
}

/** `the term ip4:… in the record of D`, and the way there. */
function decidingText({ outcome }: Report): string {
  const [first, ...inner] = outcome.path;
  const last = inner.at(-1) ?? first;
  if (first === undefined || last === undefined) return `the record of ${visible(outcome.domain)}`;
  const source = outcome.recordSource === "published" ? "record" : `${outcome.recordSource} record`;
  const way = [first, ...inner].slice(0, -1);
  const through = way.length === 0 ? "" : `, reached through ${listed(way.map(stepText))}`;
  const where = `the ${inner.length === 0 ? source : "record"} of ${visible(last.domain)}`;
  return last.term === "default" ? `${where}${through}` : `"${visible(last.term)}" in ${where}${through}`;
}

const stepText = (step: PathStep): string => `"${visible(step.term)}" of ${visible(step.domain)}`;

/** The lookups of the directive that decided. */
function evidenceText({ trace, path }: Outcome): string {
  const last = path.at(-1);
  if (trace === undefined || last === undefined) return "";
  const term = [...termsOf(trace)].find(
    ({ record, term: one }) => one.matched && one.term === last.term && record.domain === last.domain,
  )?.term;
  const found = (term?.lookups ?? []).filter(({ answer }) => answer.status === "found");
  if (found.length === 0) return "";
  return ` DNS says: ${found.map(lookupText).join("; ")}.`;
}

const lookupText = (lookup: TraceLookup): string =>
  `${questionText(lookup.question)} is ${answerText(lookup.question, lookup.answer)}`;

function notPermitted(report: Report, policy: string): string[] {
  const { outcome, query, checked } = report;
  const last = outcome.path.at(-1);
  const by =
    last?.term === "default"
      ? `No term of the record of ${visible(last.domain)} matches`
      : `${decidingText(report)} matches`;
  const domain = visible(checked.domain);
  const sentence = `${domain} does not name ${query.ip.text} among its hosts ${policy}. ${upper(by)}.`;
  return [sentence, ...permittedText(report)];
}

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What would have passed. */
function permittedText({ outcome, survey, query }: Report): string[] {
  const looked = survey ?? outcome;
  if (looked.trace === undefined) return [];
  const permitted = permittedBy(looked.trace);
  const whole = isWhole(looked);
  if (permitted.length === 0) {
    return [whole ? "The policy permits no host at all." : "The rest of the policy could not be evaluated."];
  }
  const shown = permitted.slice(0, PERMITTED_SHOWN_MAX).map(({ what, by }) => `${what} (${by})`);
  const more = permitted.length - shown.length;
  const items = more > 0 ? [...shown, `and ${more} more`] : shown;
  const head = whole
    ? "Mail would pass from:"
    : "As far as the policy could be evaluated, mail would pass from:";
  const texts = [head, ...items.map((item) => `- ${item}`)];
  const families = new Set(permitted.map(({ family }) => family));
  const { family } = query.ip;
  if (whole && !families.has(undefined) && !families.has(family)) {
    texts.push(`The client came over IPv${family}, and the policy names no IPv${family} address.`);
  }
  return texts;
}

/** Whether an evaluation came to the end of the policy, where all or nothing matches: it saw all there is. */
function isWhole({ path }: Outcome): boolean {
  const last = path.at(-1);
  return last !== undefined && /^(?:[-+~?]?all|default)$/i.test(last.term);
}

/** What can be done about it. */
function remedy({ query, checked }: Report): string[] {
  const { ip } = query;
  const domain = visible(checked.domain);
  const what =
    checked.identity === "helo" ? "the host that says HELO with that name" : `a sender of ${domain}`;
  return [
    `If ${ip.text} is meant to be ${what}, its record has to name it, as with ip${ip.family}:${ip.text} before its end. ` +
      "If the mail was forwarded, the forwarder has to put an address of its own into MAIL FROM.",
  ];
}

function noneWhy({ outcome, checked }: Report): string[] {
  const domain = visible(checked.domain);
  if (!isMultiLabelDomain(outcome.domain)) {
    return [`"${domain}" is not a domain name with at least two labels, so there is no policy to ask for.`];
  }
  const lookup = outcome.trace?.lookup;
  const answer =
    lookup === undefined ? "" : ` (${questionText(lookup.question)}: ${policyAnswerText(lookup)})`;
  return [`${domain} publishes no SPF record${answer}. SPF has nothing to say about this mail.`];
}

/** Every lookup that failed. */
function faultsText(trace: TraceRecord | undefined): string[] {
  if (trace === undefined) return [];
  const lookups = [trace.lookup, ...[...termsOf(trace)].flatMap(({ term }) => term.lookups)];
  const failed = lookups.flatMap((lookup) => (lookup?.answer.status === "fault" ? [lookup] : []));
  if (failed.length < 2) return [];
  return [
    `Failed: ${failed.map((one) => `${questionText(one.question)}, ${answerText(one.question, one.answer)}`).join("; ")}.`,
  ];
}

/** Where the lookups of a policy with too many of them went. */
function lookupsText({ outcome, settings }: Report): string[] {
  const { trace } = outcome;
  if (trace === undefined || outcome.lookups <= settings.limits.lookupLimit) return [];
  let before = 0;
  const spent = trace.terms.flatMap(({ term, lookupsSoFar }) => {
    const own = lookupsSoFar - before;
    before = lookupsSoFar;
    return own === 0 ? [] : [`${visible(term)} ${own}`];
  });
  return [
    `The terms that cause DNS lookups: ${spent.join(", ")}; ${settings.limits.lookupLimit} are allowed in all.`,
  ];
}

function rulesWhy({ local, guess }: Outcome): string[] {
  if (local !== undefined)
    return [`The local rules decide otherwise: "${visible(local.mechanism)}" leads to ${local.result}.`];
  if (guess !== undefined)
    return [`The guess rules decide: "${visible(guess.mechanism)}" leads to ${guess.result}.`];
  return [];
}

/** The way to the directive that decided, in one line. */
export function decidedText(report: Report): string {
  const { outcome } = report;
  if (outcome.path.length === 0) return outcome.problem ?? "no record";
  return outcome.path.map((step) => `${visible(step.domain)}: ${visible(step.term)}`).join(" → ");
}
