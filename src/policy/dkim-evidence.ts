import { isNoMailRecord } from "spf-check";
import { isWithinDomain, type OctetString, toALabels } from "../address/index.ts";
import type { ReadResult, ReadResults } from "../trace-fields/index.ts";
import { type Findings, isActedUpon, type Judgement } from "./judgement.ts";
import type { ActionSettings, PolicySettings } from "./settings.ts";

/** An Authentication-Results field that any reader could take for one of the DKIM verifier. */
export interface VerifierResults {
  /** What it says; undefined where it does not follow the grammar. */
  readonly read: ReadResults | undefined;
  /** It is above every Received field of the message. */
  readonly onTop: boolean;
}

/** Why nothing of what a DKIM verifier says has spared a sender. */
export type NoEvidence = "none" | "ambiguous" | "unparsable" | "jobid" | "position" | "fail" | "unaligned";

/** What a DKIM verifier before us says of the sender's domain. */
export type DkimEvidence =
  | { readonly kind: "pass"; readonly domain: OctetString }
  /** The verifier could not tell at present. */
  | { readonly kind: "temperror"; readonly domain: OctetString }
  | { readonly kind: "nothing"; readonly why: NoEvidence };

/**
 * Whether a judgement waits for the end of the message, where a DKIM signature may spare the sender (AcceptDKIM): only
 * what the sender's own published result leads to, and not for a domain that sends no mail and so signs none.
 */
export function awaitsEvidence(actions: ActionSettings, findings: Findings, judgement: Judgement): boolean {
  if (!actions.acceptDKIM || judgement.kind === "deliver" || !isActedUpon(actions, judgement)) return false;
  const { checked, basis, result } = judgement.cause;
  if (checked !== findings.sender || checked.identity !== "mailfrom" || basis !== "published") return false;
  if (result === "none" || result === "temperror" || result === "pass") return false;
  const { record } = checked.outcome;
  return record === undefined || !isNoMailRecord(record);
}

/** What would end a value or begin another one in the field of a verifier that writes it as it is. */
const BREAKS_OUT = /[\0-\x20"();\\\x7f]/;

/**
 * Whether a text of an outsider could pass for a result of its own where a verifier repeats it: OpenDKIM writes the decoded
 * `i=` of a signature as it is, and `x;dkim=pass header.d=victim.example z@attacker.example` in it is a pass for the
 * victim.
 */
export function breaksOut(text: OctetString): boolean {
  return BREAKS_OUT.test(text);
}

/**
 * The same of a DKIM-Signature field (RFC 6376 section 3.5), of the tags that verifiers repeat: its domain, selector,
 * agent, algorithm and signature. Agents are in quoted-printable. A tag given twice is looked at twice.
 */
export function signatureBreaksOut(value: OctetString): boolean {
  for (const tag of value.split(";")) {
    const equals = tag.indexOf("=");
    const text = withoutBlanks(tag.slice(equals + 1));
    switch (withoutBlanks(tag.slice(0, Math.max(0, equals))).toLowerCase()) {
      case "d":
      case "s":
      case "a":
        if (breaksOut(text)) return true;
        break;
      case "i":
        if (breaksOut(text) || breaksOut(text.replace(/=([0-9a-f]{2})/gi, decodeOctet))) return true;
        break;
      case "b":
        if (/[^A-Za-z0-9+/=\t\r\n ]/.test(text)) return true;
    }
  }
  return false;
}

function withoutBlanks(text: OctetString): OctetString {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 0x20) start++;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--;
  return text.slice(start, end);
}

function decodeOctet(_encoded: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}

/** One field is looked at, and a second one spoils it: more need not be kept. */
export const VERIFIER_RESULTS_MAX = 2;

/**
 * Weighs the fields of the DKIM verifier for a sender. All of this must hold: there is one such field and no other that
 * could be taken for one; it bears the queue id of this message, where the verifier writes one; no Received field is
 * above it; no text of an outsider that it repeats could pass for a result; and it has a pass for the sender's domain or
 * one above it. Who holds the key of a domain holds those below it, so no list of public suffixes is asked; of a sibling
 * or a child that says nothing.
 *
 * @param ids the names of the verifier
 * @param queueId the MTA's own for this message
 * @param mayBeForged something that the verifier may repeat {@link breaksOut}
 */
export function weighEvidence(
  { dkimVerifierJobID }: Pick<PolicySettings, "dkimVerifierJobID">,
  ids: readonly OctetString[],
  fields: readonly VerifierResults[],
  queueId: OctetString | undefined,
  senderDomain: OctetString,
  mayBeForged: boolean,
): DkimEvidence {
  const [field, second] = fields;
  if (field === undefined) return nothing("none");
  if (second !== undefined || mayBeForged) return nothing("ambiguous");
  const { read } = field;
  const id = read && readId(ids, read.authservId);
  if (read?.version !== 1 || id === undefined) return nothing("unparsable");
  if (dkimVerifierJobID && (queueId === undefined || id.jobId !== queueId)) return nothing("jobid");
  if (!field.onTop) return nothing("position");
  const signed = read.results.filter(isDkim).map((result) => ({ result, domain: signingDomain(result) }));
  const aligned = signed.filter(({ domain }) => domain !== undefined && covers(domain, senderDomain));
  for (const kind of ["pass", "temperror"] as const) {
    const domain = aligned.find(({ result }) => result.result === kind)?.domain;
    if (domain !== undefined) return { kind, domain };
  }
  return nothing(signed.some(({ result }) => result.result === "pass") ? "unaligned" : "fail");
}

/** Whether a field has a result of a DKIM verifier, of whatever version. */
export function holdsDkim(read: ReadResults): boolean {
  return read.results.some(({ method }) => method === "dkim");
}

function nothing(why: NoEvidence): DkimEvidence {
  return { kind: "nothing", why };
}

function isDkim({ method, methodVersion }: ReadResult): boolean {
  return method === "dkim" && methodVersion === 1;
}

/** `ID` or `ID/JOBID`; ids are compared without case, job ids with it. */
function readId(
  ids: readonly OctetString[],
  authservId: OctetString,
): { readonly jobId: OctetString | undefined } | undefined {
  for (const id of ids) {
    const rest = authservId.slice(id.length);
    if (comparable(authservId.slice(0, id.length)) !== comparable(id)) continue;
    if (rest === "" || rest.startsWith("/")) return { jobId: rest === "" ? undefined : rest.slice(1) };
  }
  return undefined;
}

function comparable(domain: OctetString): string {
  return (toALabels(domain) ?? domain).toLowerCase();
}

/** `header.d`, else the domain of `header.i`; undefined where that is not one domain of two labels or more. */
function signingDomain({ properties }: ReadResult): OctetString | undefined {
  const valuesOf = (name: string): OctetString[] =>
    properties.filter((property) => property.name === name).map(({ value }) => value);
  const domains = valuesOf("header.d");
  const agents = valuesOf("header.i").map((agent) => agent.slice(agent.lastIndexOf("@") + 1));
  const [domain, second] = domains.length > 0 ? domains : agents;
  if (domain === undefined || second !== undefined) return undefined;
  const name = comparable(domain);
  return /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
    ? name
    : undefined;
}

function covers(domain: OctetString, senderDomain: OctetString): boolean {
  return isWithinDomain(comparable(senderDomain), domain);
}
