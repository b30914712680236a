import type { OctetString, Path } from "../address/index.ts";
import {
  type Client,
  decideAtRcpt,
  type Findings,
  type Judgement,
  judge,
  type MailPolicy,
  NO_FINDINGS,
  type Recipient,
  type RefusalStage,
  type Remaining,
} from "../policy/index.ts";
import type { FieldsSeen } from "./fields-seen.ts";
import type { Journal } from "./journal.ts";
import type { Cancel } from "./ports.ts";

/** More than an MTA sends in one message: Postfix stops at 1,000. */
const RECIPIENTS_MAX = 10_000;
const RECIPIENT_OCTETS_MAX = 1_048_576;

/** A mail that is evaluated. */
export interface CheckedMail {
  readonly client: Client;
  readonly helo: OctetString;
  readonly sender: Path;
  readonly policy: MailPolicy;
  /** The stage at which a refusal is spoken. */
  readonly stage: RefusalStage;
}

/** One message, from MAIL to its end. */
export class Message {
  /** The argument of MAIL FROM. */
  readonly argument: OctetString;
  /** The message may carry UTF-8 in its header (RFC 6531). */
  readonly smtputf8: boolean;
  readonly fields: FieldsSeen;
  readonly journal: Journal;
  /** Undefined where the message is not evaluated, and while a relay's Received field is still to come. */
  mail: CheckedMail | undefined;
  findings: Findings = NO_FINDINGS;
  /** Stops the evaluation in hand. */
  cancel: Cancel | undefined;
  /** Recipients that were not refused, as far as they were asked for. */
  readonly recipients: Recipient[] = [];
  /** The arguments of RCPT TO of a message through a relay, until its client is known. */
  readonly unread: OctetString[] = [];
  #judgement: Judgement | undefined;
  #recipientOctets = 0;
  #overfull = false;

  constructor(argument: OctetString, parameters: readonly string[], fields: FieldsSeen, journal: Journal) {
    this.argument = argument;
    this.smtputf8 = parameters.some((parameter) => parameter.toUpperCase() === "SMTPUTF8");
    this.fields = fields;
    this.journal = journal;
  }

  /** Whether there were more recipients than are kept: then none may get the message, for some are not known. */
  get overfull(): boolean {
    return this.#overfull;
  }

  /** Whether one more recipient may be kept; to be asked once for each. */
  hasRoomFor(argument: OctetString): boolean {
    this.#recipientOctets += argument.length;
    const kept = this.recipients.length + this.unread.length;
    if (kept >= RECIPIENTS_MAX || this.#recipientOctets > RECIPIENT_OCTETS_MAX) this.#overfull = true;
    return !this.#overfull;
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

  /** Those who get the message; one that stands for all where the recipients were not asked for. */
  remaining(mail: CheckedMail): Remaining[] {
    if (this.recipients.length === 0) {
      return [{ path: undefined, actions: mail.policy.actions, judgement: this.judgement(mail) }];
    }
    return this.recipients.map((recipient) => ({
      path: envelopeForm(recipient.argument),
      actions: recipient.actions,
      judgement: this.judgementFor(mail, recipient),
    }));
  }
}

/** A path with its angle brackets, as SMFIR_DELRCPT wants it. */
function envelopeForm(argument: OctetString): OctetString {
  return argument.startsWith("<") ? argument : `<${argument}>`;
}
