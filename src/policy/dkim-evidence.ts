import { isNoMailRecord } from "spf-check";
import { isWithinDomain, type OctetString, toALabels } from "../address/index.ts";
import type { ReadResult, ReadResults } from "../trace-fields/index.ts";
import { type Findings, isActedUpon, type Judgement } from "./judgement.ts";
import type { ActionSettings, PolicySettings } from "./settings.ts";

/** An Authentication-Results field that any reader could take for one of the DKIM verifier. */
export interface VerifierResults {
  /** What it says; undefined where it does not follow the grammar. */
  readonly read: ReadResults | undefined;
  /** It stands above every Received field of the message. */
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

/** One field is looked at, and a second one spoils it: more need not be kept. */
export const VERIFIER_RESULTS_MAX = 2;

/**
 * Weighs the fields of the DKIM verifier for a sender. All of this must hold: there is one such field and no other that
 * could be taken for one; it bears the queue id of this message, where the verifier writes one; no Received field stands
 * above it; and it has a pass for the sender's domain or one above it. Whoever holds the key of a domain holds those
 * below, so no list of public suffixes is asked; of a sibling or a child that says nothing.
 *
 * @param ids the names of the verifier
 * @param queueId the MTA's own for this message
 */
export function weighEvidence(
  { dkimVerifierJobID }: Pick<PolicySettings, "dkimVerifierJobID">,
  ids: readonly OctetString[],
  fields: readonly VerifierResults[],
  queueId: OctetString | undefined,
  senderDomain: OctetString,
): DkimEvidence {
  const [field, second] = fields;
  if (field === undefined) return nothing("none");
  if (second !== undefined) return nothing("ambiguous");
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
