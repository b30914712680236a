import {
  ACCEPT,
  CONTINUE,
  type ConnectCommand,
  type EndOfMessageAnswer,
  type EndOfMessageResponse,
  type HandlerAnswer,
  LATER,
  type Macros,
  type MilterHandler,
  type Needs,
  type Offer,
  type Response,
  TEMPFAIL,
} from "milter-protocol";
import type { OctetString } from "../address/index.ts";
import {
  awaitsEvidence,
  type Client,
  type ConnectDecision,
  decideAtConnect,
  decideAtMail,
  type Reason,
  recipientOf,
  recipientSyntaxReply,
  refusalStage,
  ruleOf,
  senderFault,
  senderSyntaxReply,
  syntaxStage,
  TOO_MANY_RECIPIENTS,
  trustedSession,
} from "../policy/index.ts";
import { finishMessage, finishUnchecked, resolveRelayedClient } from "./end-of-message.ts";
import { evaluateMessage } from "./evaluate.ts";
import { FieldsSeen } from "./fields-seen.ts";
import {
  authservIdOf,
  type CheckedMail,
  type ConnectionContext,
  Message,
  MessageLog,
  refuseForCause,
  refuseWith,
  shownSender,
} from "./message.ts";
import { agreedEdits, featuresOf, isConnectAnswered, needsOf } from "./needs.ts";
import type { FilterPorts } from "./ports.ts";

/** Gives a session the answer it was promised with LATER. */
export type Resume = (answer: Response | EndOfMessageResponse) => void;

/**
 * The filter's side of one milter connection: what the MTA tells becomes facts, these are evaluated and decided
 * upon, and the decisions go back as responses and edits. `resume` is called once for each LATER, unless the
 * connection is closed before.
 */
export function createFilter(ports: FilterPorts, resume: Resume): MilterHandler {
  return new Filter(ports, resume);
}

const NOTHING_TO_DO: EndOfMessageResponse = { edits: [], response: CONTINUE };
const NO_EDITS: ConnectionContext["offered"] = new Set();
const NOT_CONNECTED: ConnectDecision = {
  kind: "skip",
  reason: { words: "no CONNECT", rule: undefined },
  client: undefined,
};

class Filter implements MilterHandler {
  readonly #resume: Resume;
  readonly #context: { -readonly [Name in keyof ConnectionContext]: ConnectionContext[Name] };
  #connectAnswered = false;
  #connection = NOT_CONNECTED;
  #helo = "";
  #message: Message | undefined;

  get heldOctets(): number {
    return this.#message?.heldOctets ?? 0;
  }

  constructor(ports: FilterPorts, resume: Resume) {
    this.#resume = resume;
    this.#context = {
      ports,
      features: featuresOf(ports.settings),
      offered: NO_EDITS,
      receiver: ports.hostname,
    };
  }

  negotiate(offer: Offer): Needs {
    const needs = needsOf(this.#context.ports, offer);
    this.#context.offered = agreedEdits(offer, needs);
    this.#connectAnswered = isConnectAnswered(offer, needs);
    return needs;
  }

  connect(command: ConnectCommand, macros: Macros): HandlerAnswer {
    const { ports } = this.#context;
    this.#context.receiver = receiverOf(macros, ports.hostname);
    this.#connection = decideAtConnect(ports.settings, command);
    this.#helo = "";
    // Where nobody waits for an answer here, it is given at MAIL.
    if (this.#connection.kind !== "skip" || !this.#connectAnswered) return CONTINUE;
    this.#newLog("", undefined).action({ action: "skipped", reason: this.#connection.reason });
    return ACCEPT;
  }

  helo(name: OctetString): HandlerAnswer {
    this.#helo = name;
    return CONTINUE;
  }

  mail(argument: OctetString, parameters: readonly string[], macros: Macros): HandlerAnswer {
    this.abort();
    const { ports, features } = this.#context;
    const log = this.#newLog(shownSender(argument), macros.get("i"));
    const connection = this.#connection;
    const reason = this.#whyUnchecked(connection, macros);
    if (reason !== undefined) {
      log.action({ action: "skipped", reason });
      return ACCEPT;
    }
    const fields = new FieldsSeen(ports.settings, features, authservIdOf(this.#context));
    const message = new Message(argument, parameters, fields, log);
    this.#message = message;
    return connection.kind === "check" ? this.#checkSender(message, connection.client) : CONTINUE;
  }

  /** Why all mail of the connection, or of its session, passes. Neither holds for the client that a relay names. */
  #whyUnchecked(connection: ConnectDecision, macros: Macros): Reason | undefined {
    switch (connection.kind) {
      case "skip":
        return connection.reason;
      case "relay":
        return undefined;
      case "check":
        return trustedSession(this.#context.ports.settings, {
          authenticated: macros.get("{auth_authen}"),
          verify: macros.get("{verify}"),
        });
    }
  }

  #checkSender(message: Message, client: Client): HandlerAnswer {
    const { ports, features } = this.#context;
    const decision = decideAtMail(ports.settings, client, message.argument);
    switch (decision.kind) {
      case "skip":
        message.log.action({ action: "skipped", reason: decision.reason });
        return features.removesForged || features.removesGuesses ? CONTINUE : ACCEPT;
      case "check": {
        const { sender, policy } = decision;
        const { actions } = policy;
        const stage = refusalStage(ports.settings, policy);
        const fault =
          syntaxStage(ports.settings, policy) === "mail" ? senderFault(actions, sender) : undefined;
        if (fault !== undefined) {
          const response = refuseWith(message, fault, senderSyntaxReply(actions), actions.reportOnly);
          if (response.kind === "reply") return response;
        }
        const mail = { client, helo: this.#helo, sender, policy, stage };
        message.mail = mail;
        const known = this.#evaluate(message, mail, () => this.#answerMail(message, mail));
        return known ? this.#answerMail(message, mail) : LATER;
      }
    }
  }

  /** True when all is known on return; else the answer that is then found is given later. */
  #evaluate(message: Message, mail: CheckedMail, answer: () => Response | EndOfMessageResponse): boolean {
    return evaluateMessage(message, mail, {
      ports: this.#context.ports,
      receiver: this.#context.receiver,
      done: () => {
        this.#resume(answer());
      },
      // Whatever is wrong, the MTA was promised an answer.
      failed: () => {
        this.abort();
        this.#resume(TEMPFAIL);
      },
    });
  }

  #answerMail(message: Message, mail: CheckedMail): Response {
    const judgement = message.judgement(mail);
    if (judgement.kind === "deliver" && this.#isDone(mail)) return ACCEPT;
    if (mail.stage !== "mail" || judgement.kind !== "refuse" || message.awaitsEvidence(mail)) return CONTINUE;
    const { actions } = mail.policy;
    const rule = judgement.option && ruleOf(actions, judgement.option);
    return refuseForCause(this.#context, message, mail, { cause: judgement.cause, rule, actions });
  }

  /** Whether nothing is left to do for a message that nobody is refused for. */
  #isDone({ policy }: CheckedMail): boolean {
    const { addsFields, removesForged, removesGuesses, refusesAtRcpt } = this.#context.features;
    return policy.lines.length === 0 && !addsFields && !removesForged && !removesGuesses && !refusesAtRcpt;
  }

  rcpt(argument: OctetString, _parameters: readonly string[], macros: Macros): HandlerAnswer {
    const message = this.#message;
    if (message === undefined) return CONTINUE;
    message.log.queueId ??= macros.get("i");
    if (!message.countRecipient(argument)) return CONTINUE;
    if (this.#connection.kind === "relay") {
      message.unread.push(argument);
      return CONTINUE;
    }
    const { mail } = message;
    if (mail === undefined) return CONTINUE;
    return this.#checkRecipient(message, mail, argument);
  }

  #checkRecipient(message: Message, mail: CheckedMail, argument: OctetString): Response {
    const { ports, features } = this.#context;
    const recipient = recipientOf(ports.settings, mail.policy, argument);
    const { actions, path, exempt } = recipient;
    if (path.kind === "malformed" && exempt === undefined && features.refusesAtRcpt && actions.check) {
      const reply = recipientSyntaxReply(actions);
      const response = refuseWith(
        message,
        { words: `recipient syntax: ${path.reason}`, rule: undefined },
        reply,
        actions.reportOnly,
        [argument],
      );
      if (response.kind === "reply") return response;
    }
    const fault =
      exempt === undefined && syntaxStage(ports.settings, mail.policy) === "rcpt"
        ? senderFault(actions, mail.sender)
        : undefined;
    if (fault !== undefined) {
      const reply = senderSyntaxReply(actions);
      const response = refuseWith(message, fault, reply, actions.reportOnly, [argument]);
      if (response.kind === "reply") return response;
    }
    const judgement = message.judgementFor(mail, recipient);
    if (
      mail.stage === "rcpt" &&
      judgement.kind === "refuse" &&
      !awaitsEvidence(actions, message.findings, judgement)
    ) {
      const rule = judgement.option && ruleOf(actions, judgement.option);
      const refused = { cause: judgement.cause, rule, actions, recipients: [argument] };
      const response = refuseForCause(this.#context, message, mail, refused);
      if (response.kind === "reply") return response;
    }
    message.recipients.push(recipient);
    return CONTINUE;
  }

  header(name: OctetString, value: OctetString): HandlerAnswer {
    this.#message?.fields.see(name, value, this.#connection.kind === "relay");
    return CONTINUE;
  }

  endOfMessage(macros: Macros): EndOfMessageAnswer {
    const message = this.#message;
    if (message === undefined) return NOTHING_TO_DO;
    message.log.queueId = macros.get("i") ?? message.log.queueId;
    if (message.isOverfull) {
      const response = this.#refuseOverfull(message);
      if (response.kind === "reply") return { edits: [], response };
    }
    const connection = this.#connection;
    if (connection.kind === "relay") return this.#checkRelayed(message, connection.client);
    this.#message = undefined;
    const { mail } = message;
    return mail === undefined
      ? finishUnchecked(this.#context, message)
      : finishMessage(this.#context, message, mail);
  }

  /** Sent at the end, where every MTA listens, and for all: who is not known can be neither spared nor moved. */
  #refuseOverfull(message: Message): Response {
    const { reportOnly } = message.mail?.policy.actions ?? this.#context.ports.settings;
    const response = refuseWith(
      message,
      { words: "too many recipients", rule: undefined },
      TOO_MANY_RECIPIENTS,
      reportOnly,
    );
    if (response.kind === "reply") this.#message = undefined;
    return response;
  }

  /** Everything about a message through a trusted relay is decided when its header has been seen. */
  #checkRelayed(message: Message, relay: Client): EndOfMessageAnswer {
    const outcome = resolveRelayedClient(this.#context, message, relay);
    switch (outcome.kind) {
      case "answer":
        this.#message = undefined;
        return outcome.answer;
      case "check": {
        const { mail } = outcome;
        message.mail = mail;
        const answer = (): EndOfMessageResponse => {
          this.#message = undefined;
          return finishMessage(this.#context, message, mail);
        };
        return this.#evaluate(message, mail, answer) ? answer() : LATER;
      }
    }
  }

  abort(): void {
    this.#message?.pending?.cancel();
    this.#message = undefined;
  }

  newConnection(): void {
    this.abort();
    this.#connection = NOT_CONNECTED;
    this.#helo = "";
  }

  close(): void {
    this.newConnection();
  }

  #newLog(from: OctetString, queueId: string | undefined): MessageLog {
    return new MessageLog(this.#context.ports.report, this.#connection.client, this.#helo, from, queueId);
  }
}

function receiverOf(macros: Macros, hostname: string): OctetString {
  const name = macros.get("j");
  return name === undefined || name === "" ? hostname : name;
}
