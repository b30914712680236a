import type { Pending } from "spf-check";
import type { OctetString } from "../address/index.ts";
import { type IdentityCheck, nextCheck, ruleOf, senderCheck, withOutcome } from "../policy/index.ts";
import type { CheckedMail, Message } from "./message.ts";
import type { Evaluation, FilterPorts } from "./ports.ts";

/** What an evaluation needs apart from the message. */
export interface EvaluateOptions {
  readonly ports: FilterPorts;
  /** The name for %{r}. */
  readonly receiver: OctetString;
  /** Called when all is known, where that is not before {@link evaluateMessage} returns. */
  readonly done: () => void;
  /** Called where what follows a late verdict throws; the error goes on to the evaluator. */
  readonly failed: () => void;
}

/**
 * Evaluates what is wanted of a message, one check after another, within one deadline (LookupTime). The HELO identity
 * of CheckHelo has a third of it, and MAIL FROM is evaluated at the same time: neither can spend the time of the other.
 * True when all is known on return: verdicts that are in memory cost no wait.
 */
export function evaluateMessage(message: Message, mail: CheckedMail, options: EvaluateOptions): boolean {
  return new MessageEvaluation(message, mail, options).run();
}

/** HELO's own part of LookupTime. */
const HELO_SHARE = 1 / 3;

class MessageEvaluation implements Pending {
  readonly #message: Message;
  readonly #mail: CheckedMail;
  readonly #options: EvaluateOptions;
  readonly #startMs: number;
  /** By purpose: what is waited for, and what has come before its turn. */
  readonly #pending = new Map<IdentityCheck["purpose"], Pending>();
  readonly #arrived = new Map<IdentityCheck["purpose"], Evaluation>();

  constructor(message: Message, mail: CheckedMail, options: EvaluateOptions) {
    this.#message = message;
    this.#mail = mail;
    this.#options = options;
    this.#startMs = options.ports.nowMs();
  }

  /** True when all is known. */
  run(): boolean {
    const { settings, waited, nowMs } = this.#options.ports;
    for (;;) {
      const check = nextCheck(settings, this.#mail.policy, this.#mail, this.#message.findings);
      // A HELO fail that is refused leaves nothing to ask of the sender.
      if (check?.purpose !== "sender" && check?.purpose !== "helo") this.#dropSender();
      if (check === undefined) {
        this.#message.pending = undefined;
        waited?.(nowMs() - this.#startMs);
        return true;
      }
      const evaluation = this.#arrived.get(check.purpose) ?? this.#ask(check);
      if (evaluation === undefined) {
        if (check.purpose === "helo" && !this.#pending.has("sender") && !this.#arrived.has("sender")) {
          const sender = this.#ask(senderCheck(this.#mail));
          if (sender !== undefined) this.#arrived.set("sender", sender);
        }
        this.#message.pending = this;
        return false;
      }
      this.#arrived.delete(check.purpose);
      this.#note(check, evaluation);
    }
  }

  cancel(): void {
    for (const pending of this.#pending.values()) pending.cancel();
    this.#pending.clear();
  }

  /** What is known at once; else it comes later. */
  #ask({ purpose, domain, sender }: IdentityCheck): Evaluation | undefined {
    if (this.#pending.has(purpose)) return undefined;
    const { ports, receiver } = this.#options;
    const { client, helo } = this.#mail;
    const timeMs = ports.settings.lookupTimeMs * (purpose === "helo" ? HELO_SHARE : 1);
    const answer = ports.evaluator.evaluate(
      {
        ip: client.evaluatedIp,
        domain,
        sender,
        helo,
        receiver,
        clientName: client.evaluatedName,
        deadlineMs: this.#startMs + timeMs,
      },
      (evaluation) => {
        this.#arrive(purpose, evaluation);
      },
    );
    if (!("cancel" in answer)) return answer;
    this.#pending.set(purpose, answer);
    return undefined;
  }

  #arrive(purpose: IdentityCheck["purpose"], evaluation: Evaluation): void {
    this.#pending.delete(purpose);
    this.#arrived.set(purpose, evaluation);
    // MAIL FROM waits for HELO, which comes first.
    if (this.#pending.has("helo")) return;
    try {
      if (this.run()) this.#options.done();
    } catch (error) {
      this.#options.failed();
      throw error;
    }
  }

  /** The findings get what came of a check, and the log a line. */
  #note(check: IdentityCheck, evaluation: Evaluation): void {
    const message = this.#message;
    message.findings = withOutcome(message.findings, check, evaluation.outcome);
    const { forwarder, forwardersAsked } = message.findings;
    if (check.purpose !== "forwarder") message.log.result(check, evaluation);
    else if (forwarder !== undefined) {
      const rule = ruleOf(this.#options.ports.settings, "TrustedForwarder", forwardersAsked - 1);
      message.log.action({ action: "skipped", reason: { words: `TrustedForwarder ${forwarder}`, rule } });
    }
  }

  #dropSender(): void {
    this.#pending.get("sender")?.cancel();
    this.#pending.delete("sender");
    this.#arrived.delete("sender");
  }
}
