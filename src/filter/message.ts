import { CONTINUE, type Edit, type Response } from "milter-protocol";
import type { Pending } from "spf-check";
import type { OctetString, Path } from "../address/index.ts";
import {
  type ActionSettings,
  awaitsEvidence,
  type Cause,
  type Client,
  decideAtRcpt,
  describeCause,
  type Findings,
  firstLine,
  type IdentityCheck,
  type Judgement,
  judge,
  type MailPolicy,
  NO_FINDINGS,
  type Reason,
  type Recipient,
  type RefusalStage,
  type RemainingRecipient,
  type Reply,
  type Rule,
  refusal,
} from "../policy/index.ts";
import type { FieldsSeen } from "./fields-seen.ts";
import type { Features } from "./needs.ts";
import type { Action, Evaluation, FilterEvent, FilterPorts, MailFacts } from "./ports.ts";

/** What stays the same for all messages of a connection. */
export interface ConnectionContext {
  readonly ports: FilterPorts;
  readonly features: Features;
  /** The edits that the MTA offers to carry out. */
  readonly offered: ReadonlySet<Edit["kind"]>;
  /** The name of the host that checks: `{j}`, else our own. */
  readonly receiver: OctetString;
}

/** Our name in Authentication-Results (RFC 8601 section 2.5): AuthservID, else the name of the host. */
export function authservIdOf({ ports, receiver }: ConnectionContext): OctetString {
  return ports.settings.authservID ?? receiver;
}

/** What is reported of an action; what is left out is empty. */
export interface ActionReport {
  readonly action: Action;
  readonly reason: Reason;
  readonly recipients?: readonly string[];
  readonly reply?: string;
  readonly reportOnly?: boolean;
}

const NOBODY: readonly string[] = [];
/** What a DKIM signature could have spared. */
const EVIDENCED: ReadonlySet<Action> = new Set(["refused", "tagged", "quarantined", "held"]);

/** Tells the operator about one message. */
export class MessageLog {
  readonly #report: (event: FilterEvent) => void;
  readonly #from: OctetString;
  /** Replaced where a relay's Received field tells of another client. */
  client: Client | undefined;
  helo: OctetString;
  queueId: string | undefined;
  /** AcceptDKIM: why nothing has spared the sender. */
  noEvidence: string | undefined;

  constructor(
    report: (event: FilterEvent) => void,
    client: Client | undefined,
    helo: OctetString,
    from: OctetString,
    queueId: string | undefined,
  ) {
    this.#report = report;
    this.client = client;
    this.helo = helo;
    this.#from = from;
    this.queueId = queueId;
  }

  /** A verdict was reached. */
  result(check: IdentityCheck, { outcome, cached, source, elapsedMs }: Evaluation): void {
    // Written out, here and below, as V8 11 gives each object that is made by a spread and added to a hidden class of
    // its own.
    const { queueId, ip, ptr, helo, from } = this.#facts();
    this.#report({
      event: "result",
      queueId,
      ip,
      ptr,
      helo,
      from,
      result: outcome.result,
      cached,
      source: cached ? "cache" : (source ?? "dns"),
      identity: check.identity,
      mechanism: outcome.mechanism,
      problem: outcome.problem,
      failure: outcome.failure,
      lookups: outcome.lookups,
      voids: outcome.voids,
      elapsedMs,
      local: outcome.local?.result,
      guess: outcome.guess?.result,
    });
  }

  /** Something was done, or would have been. */
  action({ action, reason, recipients = NOBODY, reply, reportOnly = false }: ActionReport): void {
    const { queueId, ip, ptr, helo, from } = this.#facts();
    this.#report({
      event: "action",
      queueId,
      ip,
      ptr,
      helo,
      from,
      action,
      reason: reason.words,
      rule: reason.rule?.option,
      location: reason.rule?.location,
      recipients,
      reply,
      dkim: EVIDENCED.has(action) ? this.noEvidence : undefined,
      reportOnly,
    });
  }

  #facts(): MailFacts {
    return {
      queueId: this.queueId,
      ip: this.client?.evaluatedIp.text ?? "",
      ptr: this.client?.shownName ?? "",
      helo: this.helo,
      from: this.#from,
    };
  }
}

/** The sender as a log names it: without angle brackets, empty for the null sender. */
export function shownSender(argument: OctetString): OctetString {
  const text = argument.trim();
  return text.startsWith("<") && text.endsWith(">") ? text.slice(1, -1) : text;
}

/** More than an MTA sends in one message: Postfix stops at 1,000. */
const RECIPIENTS_MAX = 10_000;
const RECIPIENT_OCTETS_MAX = 1_048_576;
/** What a message or a recipient takes in addition to twice its octets. */
const ENTRY_OCTETS = 512;

/** What is fixed at MAIL FROM for a message that is evaluated: whose it is, and the options for it. */
export interface CheckedMail {
  readonly client: Client;
  readonly helo: OctetString;
  readonly sender: Path;
  readonly policy: MailPolicy;
  /** The stage at which a refusal is sent. */
  readonly stage: RefusalStage;
}

/** One message, from MAIL to its end. */
export class Message {
  /** The argument of MAIL FROM. */
  readonly argument: OctetString;
  /** The message may carry UTF-8 in its header (RFC 6531). */
  readonly smtputf8: boolean;
  readonly fields: FieldsSeen;
  readonly log: MessageLog;
  /** Undefined where the message is not evaluated, and while a relay's Received field is still to come. */
  mail: CheckedMail | undefined;
  findings: Findings = NO_FINDINGS;
  /** The evaluation under way. */
  pending: Pending | undefined;
  /** What would have been refused but for ReportOnly, so far. */
  readonly reported: ActionReport[] = [];
  /** Recipients that were not refused, as far as they were asked for. */
  readonly recipients: Recipient[] = [];
  /** The arguments of RCPT TO of a message through a relay, until its client is known. */
  readonly unread: OctetString[] = [];
  /** There were more recipients than are kept: then none may get the message, for some are not known. */
  isOverfull = false;
  #judgement: Judgement | undefined;
  #recipientOctets = 0;
  #ownOctets: number;

  constructor(argument: OctetString, parameters: readonly string[], fields: FieldsSeen, log: MessageLog) {
    this.argument = argument;
    this.smtputf8 = parameters.some((parameter) => parameter.toUpperCase() === "SMTPUTF8");
    this.fields = fields;
    this.log = log;
    this.#ownOctets = ENTRY_OCTETS + 2 * argument.length;
  }

  /** Octets of memory, roughly, that are held. */
  get heldOctets(): number {
    return this.#ownOctets + this.fields.heldOctets;
  }

  /** Counts one more recipient; false where it is one too many to be kept. */
  countRecipient(argument: OctetString): boolean {
    this.#recipientOctets += argument.length;
    const kept = this.recipients.length + this.unread.length;
    if (kept >= RECIPIENTS_MAX || this.#recipientOctets > RECIPIENT_OCTETS_MAX) this.isOverfull = true;
    else this.#ownOctets += ENTRY_OCTETS + 2 * argument.length;
    return !this.isOverfull;
  }

  /** What the findings come to as far as client and sender decide; to be asked when all is known. */
  judgement(mail: CheckedMail): Judgement {
    this.#judgement ??= judge(mail.policy.actions, this.findings);
    return this.#judgement;
  }

  /** What the findings come to for one recipient. */
  judgementFor(mail: CheckedMail, recipient: Recipient): Judgement {
    const shared = recipient.exempt === undefined && recipient.actions === mail.policy.actions;
    return shared ? this.judgement(mail) : decideAtRcpt(recipient, this.findings);
  }

  /** Whether what is done as far as client and sender decide waits for what a DKIM verifier says. */
  awaitsEvidence(mail: CheckedMail): boolean {
    return awaitsEvidence(mail.policy.actions, this.findings, this.judgement(mail));
  }

  /** Those who get the message; one for all of them where the recipients were not asked for. */
  remaining(mail: CheckedMail): RemainingRecipient[] {
    if (this.recipients.length === 0) {
      return [{ address: undefined, actions: mail.policy.actions, judgement: this.judgement(mail) }];
    }
    return this.recipients.map((recipient) => ({
      address: envelopeForm(recipient.argument),
      actions: recipient.actions,
      judgement: this.judgementFor(mail, recipient),
    }));
  }
}

/** An address with its angle brackets, as SMFIR_DELRCPT wants it. */
function envelopeForm(argument: OctetString): OctetString {
  return argument.startsWith("<") ? argument : `<${argument}>`;
}

/** Refuses a message or one recipient of it for what was found: see {@link refuseWith}. */
export function refuseForCause(
  { receiver }: ConnectionContext,
  message: Message,
  mail: CheckedMail,
  refused: {
    readonly cause: Cause;
    readonly rule: Rule | undefined;
    readonly actions: ActionSettings;
    readonly recipients?: readonly OctetString[];
  },
): Response {
  const { cause, rule, actions, recipients } = refused;
  const reply = refusal(actions, cause, { helo: mail.helo, ip: mail.client.evaluatedIp.text, receiver });
  return refuseWith(message, { words: describeCause(cause), rule }, reply, actions.reportOnly, recipients);
}

/**
 * Refuses a message or one recipient of it with this reply: logs that, and returns the response. With ReportOnly the
 * response is "continue", and the end of the message tells what would have been refused.
 */
export function refuseWith(
  message: Message,
  reason: Reason,
  reply: Reply,
  reportOnly: boolean,
  recipients: readonly OctetString[] = [],
): Response {
  const report: ActionReport = { action: "refused", reason, recipients, reply: firstLine(reply), reportOnly };
  if (reportOnly) {
    message.reported.push(report);
    return CONTINUE;
  }
  message.log.action(report);
  return { kind: "reply", ...reply };
}

/** Tells at the end of a message what would have been refused of it, and for whom. */
export function tellReported(message: Message): void {
  const lines = new Map<string, ActionReport>();
  const all = message.recipients.map(({ argument }) => envelopeForm(argument));
  for (const report of message.reported) {
    const { reason, reply, recipients = NOBODY } = report;
    const key = `${reason.words}\n${reply}`;
    const named = lines.get(key)?.recipients ?? NOBODY;
    lines.set(key, { ...report, recipients: recipients.length === 0 ? all : [...named, ...recipients] });
  }
  for (const report of lines.values()) message.log.action(report);
}
