/** All that waits for the end of a message: TrustedRelay, AcceptDKIM, what is added, tagged, quarantined, removed. */
import { CONTINUE, type Edit, type EndOfMessageResponse, type Response } from "milter-protocol";
import type { OctetString } from "../address/index.ts";
import {
  awaitsEvidence,
  breaksOut,
  type Cause,
  type Client,
  type DkimEvidence,
  decideAtEndOfMessage,
  decideAtMail,
  describeCause,
  evidenceDeferral,
  isActedUpon,
  type MessageDecision,
  type Quarantine,
  type Reason,
  type RelayedClient,
  type RemainingRecipient,
  type Rule,
  recipientOf,
  ruleOf,
  senderFault,
  senderOfUnknownClient,
  senderSyntaxReply,
  TOO_MANY_FIELDS,
  trustedSession,
  weighEvidence,
  whitelistedClient,
} from "../policy/index.ts";
import { hasReceivedSpf, quarantineEdits, quarantineWay, tagEdits, traceFieldEdits } from "./edits.ts";
import { CHANGED_FIELDS_MAX, type Removals, verifierIds } from "./fields-seen.ts";
import {
  authservIdOf,
  type CheckedMail,
  type ConnectionContext,
  type Message,
  refuseForCause,
  refuseWith,
  tellReported,
} from "./message.ts";

/** What is to be done with a message through a trusted relay. */
export type RelayOutcome =
  | { readonly kind: "answer"; readonly answer: EndOfMessageResponse }
  | { readonly kind: "check"; readonly mail: CheckedMail };

/**
 * Takes client, host name and HELO from the Received field of the relay, and then decides all that is decided at
 * CONNECT, MAIL and RCPT for other messages. Where no field can be read, the result is temperror: a client that brings
 * that about must not get more than any other whose check fails.
 */
export function resolveRelayedClient(
  context: ConnectionContext,
  message: Message,
  relay: Client,
): RelayOutcome {
  const hop = message.fields.relayHop;
  const relayed = hop?.kind === "client" ? hop.relayed : undefined;
  const { settings } = context.ports;
  if (relayed !== undefined) {
    message.log.client = relayed.client;
    message.log.helo = relayed.helo;
    const reason = trustedClient(context, relayed);
    if (reason !== undefined) return skipped(context, message, reason);
  }
  const decision = decideAtMail(settings, relayed?.client, message.argument);
  switch (decision.kind) {
    case "skip":
      return skipped(context, message, decision.reason);
    case "check": {
      const { sender, policy } = decision;
      for (const argument of message.unread) message.recipients.push(recipientOf(settings, policy, argument));
      const { helo } = message.log;
      const mail: CheckedMail = { client: relayed?.client ?? relay, helo, sender, policy, stage: "eom" };
      if (relayed === undefined && sender.kind !== "malformed") {
        const { check, outcome, findings } = senderOfUnknownClient(settings, mail);
        message.findings = findings;
        message.log.result(check, { outcome, cached: false, elapsedMs: 0 });
      }
      return { kind: "check", mail };
    }
  }
}

function trustedClient(
  { ports }: ConnectionContext,
  { client, authenticated }: RelayedClient,
): Reason | undefined {
  return (
    whitelistedClient(ports.settings, client) ??
    trustedSession(ports.settings, {
      authenticated: authenticated ? "by the relay" : undefined,
      verify: undefined,
    })
  );
}

function skipped(context: ConnectionContext, message: Message, reason: Reason): RelayOutcome {
  message.log.action({ action: "skipped", reason });
  return { kind: "answer", answer: finishUnchecked(context, message) };
}

/** The end of a message that was not evaluated: only what is forged goes. */
export function finishUnchecked(context: ConnectionContext, message: Message): EndOfMessageResponse {
  tellReported(message);
  const removals = removalsOf(context, message, false);
  if (removals === undefined) return refuseFields(context, message);
  tellRemovals(context, message, removals);
  return { edits: removals.edits, response: CONTINUE };
}

/** The end of a message that was evaluated: it is refused, or edited and let go. */
export function finishMessage(
  context: ConnectionContext,
  message: Message,
  mail: CheckedMail,
): EndOfMessageResponse {
  const refused = mail.stage === "eom" ? refuseSender(message, mail) : undefined;
  if (refused !== undefined) return refused;
  const judgement = message.judgement(mail);
  if (judgement.kind === "deliver" && mail.policy.lines.length === 0) {
    tellReported(message);
    return addTraceFields(context, message, mail);
  }
  tellExempt(message, mail);
  const judged = message.remaining(mail);
  const evidence = evidenceOn(context, message, mail, judged);
  if (evidence?.kind === "nothing") message.log.noEvidence = evidence.why;
  const remaining = evidence?.kind === "pass" ? spare(message, judged, evidence.domain) : judged;
  const mayRefuse = mail.stage === "eom" || evidence !== undefined;
  const decision = decideAtEndOfMessage(withoutReportOnly(remaining), mayRefuse);
  if (decision.refused !== undefined) {
    return { edits: [], response: refuseAtEnd(context, message, mail, decision.refused, evidence) };
  }
  const dkimPass = evidence?.kind === "pass" ? evidence.domain : undefined;
  const traceFields = remaining.some(({ actions }) => actions.check)
    ? traceFieldEdits(context, message, mail, dkimPass)
    : [];
  const removals = removalsOf(context, message, hasReceivedSpf(traceFields));
  const tags = tagEdits(context, message, decision);
  if (removals === undefined) return refuseFields(context, message);
  if (tags === undefined) return refuseFields(context, message, decision.tag?.rule);
  tellRemovals(context, message, removals);
  const edits = [...removals.edits, ...tags];
  if (tags.length > 0 && decision.tag !== undefined) {
    message.log.action({ action: "tagged", reason: reasonOf(decision.tag) });
  }
  edits.push(...traceFields);
  quarantine(context, message, decision.quarantine, edits);
  tellWithheld(context, message, mail, remaining, mayRefuse, evidence);
  tellReported(message);
  return { edits, response: CONTINUE };
}

/** Refuses a message whose sender is not an address, unless a recipient gets it all the same. */
function refuseSender(message: Message, { sender, policy }: CheckedMail): EndOfMessageResponse | undefined {
  const fault = senderFault(policy.actions, sender);
  if (fault === undefined) return undefined;
  const spared = message.recipients.some(
    ({ exempt, actions }) => exempt !== undefined || senderFault(actions, sender) === undefined,
  );
  if (spared) return undefined;
  const { reportOnly } = policy.actions;
  const response = refuseWith(message, fault, senderSyntaxReply(policy.actions), reportOnly);
  return response.kind === "reply" ? { edits: [], response } : undefined;
}

/** The end of the many messages to which nothing is done but to add the trace fields. */
function addTraceFields(
  context: ConnectionContext,
  message: Message,
  mail: CheckedMail,
): EndOfMessageResponse {
  const traceFields = mail.policy.actions.check ? traceFieldEdits(context, message, mail) : [];
  const removals = removalsOf(context, message, hasReceivedSpf(traceFields));
  if (removals === undefined) return refuseFields(context, message);
  tellRemovals(context, message, removals);
  return { edits: [...removals.edits, ...traceFields], response: CONTINUE };
}

/** Tells of the recipients to whom WhitelistTo lets the message pass. */
function tellExempt(message: Message, mail: CheckedMail): void {
  if (!isActedUpon(mail.policy.actions, message.judgement(mail))) return;
  for (const { argument, exempt } of message.recipients) {
    if (exempt === undefined) continue;
    message.log.action({ action: "skipped", reason: exempt, recipients: [argument] });
  }
}

/** What a DKIM verifier says where something waits for it (AcceptDKIM). */
function evidenceOn(
  context: ConnectionContext,
  { findings, fields, log }: Message,
  { sender, helo }: CheckedMail,
  remaining: readonly RemainingRecipient[],
): DkimEvidence | undefined {
  const waits = remaining.some(({ actions, judgement }) => awaitsEvidence(actions, findings, judgement));
  if (!waits || sender.kind !== "mailbox") return undefined;
  const { settings } = context.ports;
  const ids = verifierIds(settings, authservIdOf(context));
  const mayBeForged = fields.signatureBreaksOut || breaksOut(sender.address) || breaksOut(helo);
  const { verifierResults } = fields;
  return weighEvidence(settings, ids, verifierResults, log.queueId, sender.domain, mayBeForged);
}

/** Whoever's judgement has waited gets the message as it is. */
function spare(
  { findings, log }: Message,
  remaining: readonly RemainingRecipient[],
  domain: OctetString,
): readonly RemainingRecipient[] {
  const waiting = remaining.filter(({ actions, judgement }) => awaitsEvidence(actions, findings, judgement));
  const [first] = waiting;
  if (first !== undefined) {
    log.action({
      action: "spared",
      reason: { words: `dkim=pass header.d=${domain}`, rule: ruleOf(first.actions, "AcceptDKIM") },
      reportOnly: waiting.every(({ actions }) => actions.reportOnly),
    });
  }
  const spared = new Set(waiting);
  return remaining.map((recipient) =>
    spared.has(recipient) ? { ...recipient, judgement: { kind: "deliver" } } : recipient,
  );
}

/** Refuses a message as a whole, or defers it where a later try may spare it. */
function refuseAtEnd(
  context: ConnectionContext,
  message: Message,
  mail: CheckedMail,
  refused: NonNullable<MessageDecision["refused"]>,
  evidence: DkimEvidence | undefined,
): Response {
  if (evidence?.kind !== "temperror") return refuseForCause(context, message, mail, refused);
  const { cause, rule, actions } = refused;
  const reason = { words: `${describeCause(cause)}, dkim=temperror header.d=${evidence.domain}`, rule };
  return refuseWith(message, reason, evidenceDeferral(evidence.domain), actions.reportOnly);
}

/** With ReportOnly a recipient gets its mail whatever the judgement. */
function withoutReportOnly(remaining: readonly RemainingRecipient[]): readonly RemainingRecipient[] {
  if (!remaining.some(({ actions }) => actions.reportOnly)) return remaining;
  return remaining.map((recipient) =>
    recipient.actions.reportOnly ? { ...recipient, judgement: { kind: "deliver" } } : recipient,
  );
}

/** Tells what would have been done but for ReportOnly, as far as MAIL and RCPT have not told it. */
function tellWithheld(
  context: ConnectionContext,
  message: Message,
  mail: CheckedMail,
  remaining: readonly RemainingRecipient[],
  mayRefuse: boolean,
  evidence: DkimEvidence | undefined,
): void {
  const withheld = remaining.filter(
    ({ actions, judgement }) => actions.reportOnly && (mayRefuse || judgement.kind === "flag"),
  );
  const would = decideAtEndOfMessage(withheld, mayRefuse);
  if (would.refused !== undefined) refuseAtEnd(context, message, mail, would.refused, evidence);
  if (would.tag !== undefined) {
    // Nobody else tells later who would have seen the tag.
    const recipients = withheld.flatMap(({ address }) => address ?? []);
    message.log.action({ action: "tagged", reason: reasonOf(would.tag), recipients, reportOnly: true });
  }
  if (would.quarantine !== undefined) tellQuarantine(message, would.quarantine, would.quarantine.mode, true);
}

const NOTHING_REMOVED: Removals = { edits: [], results: 0, verifierResults: 0, receivedSpf: 0 };

/** Undefined where there are too many. */
function removalsOf(
  { features, offered }: ConnectionContext,
  { fields, log }: Message,
  ownReceivedSpf: boolean,
): Removals | undefined {
  if ((!features.removesForged && !features.removesGuesses) || !offered.has("changeHeader")) {
    return NOTHING_REMOVED;
  }
  return fields.removals(log.queueId, ownReceivedSpf);
}

/** Tells what is removed; that an X-SPF-Guess is interests nobody. */
function tellRemovals({ ports }: ConnectionContext, message: Message, removals: Removals): void {
  for (const [what, count] of [
    ["Authentication-Results in our name", removals.results],
    ["Authentication-Results of another message in the name of the DKIM verifier", removals.verifierResults],
    ["Received-SPF that is not ours", removals.receivedSpf],
  ] as const) {
    if (count === 0) continue;
    message.log.action({
      action: "header removed",
      reason: {
        words: `${what}${count > 1 ? ` (${count})` : ""}`,
        rule: ruleOf(ports.settings, "RemoveForgedHeaders"),
      },
    });
  }
}

/**
 * Refuses a message with more fields to be removed or tagged than an MTA can be asked to, also with ReportOnly: it is no
 * verdict on the sender, and nobody who writes mail writes that.
 */
function refuseFields(
  { ports }: ConnectionContext,
  message: Message,
  rule = ruleOf(ports.settings, "RemoveForgedHeaders"),
): EndOfMessageResponse {
  const words = `more than ${CHANGED_FIELDS_MAX} header fields to be removed or changed`;
  return { edits: [], response: refuseWith(message, { words, rule }, TOO_MANY_FIELDS, false) };
}

function quarantine(
  { offered }: ConnectionContext,
  message: Message,
  wanted: Quarantine | undefined,
  edits: Edit[],
): void {
  const way = wanted === undefined ? undefined : quarantineWay(wanted, offered);
  if (wanted === undefined || way === undefined) return;
  edits.push(...quarantineEdits(wanted, way, describeCause(wanted.cause), message.smtputf8));
  tellQuarantine(message, wanted, way, false);
}

function tellQuarantine(
  message: Message,
  quarantine: Quarantine,
  way: Quarantine["mode"],
  onlyTold: boolean,
): void {
  message.log.action({
    action: way === "hold" ? "held" : "quarantined",
    reason: reasonOf(quarantine),
    recipients: quarantine.recipients,
    reportOnly: onlyTold,
  });
}

function reasonOf({ cause, rule }: { readonly cause: Cause; readonly rule: Rule }): Reason {
  return { words: describeCause(cause), rule };
}
