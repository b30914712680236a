import type { OctetString } from "../address/index.ts";
import { type IdentityCheck, nextCheck, ruleOf, withOutcome } from "../policy/index.ts";
import type { CheckedMail, Message } from "./message.ts";
import type { Evaluation, FilterPorts } from "./ports.ts";

/** What an evaluation of a message needs besides the message. */
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
 * Evaluates what is wanted of a message, one check after another, within one deadline (LookupTime). True when
 * all is known on return: verdicts that are in memory cost no wait.
 */
export function evaluateMessage(message: Message, mail: CheckedMail, options: EvaluateOptions): boolean {
  const { ports } = options;
  return run(message, mail, options, ports.nowMs() + ports.settings.lookupTimeMs);
}

function run(message: Message, mail: CheckedMail, options: EvaluateOptions, deadlineMs: number): boolean {
  const { ports, receiver, done, failed } = options;
  for (;;) {
    const check = nextCheck(ports.settings, mail.policy, mail, message.findings);
    if (check === undefined) return true;
    const answer = ports.evaluator.evaluate(
      {
        ip: mail.client.evaluatedIp,
        domain: check.domain,
        sender: check.sender,
        helo: mail.helo,
        receiver,
        clientName: mail.client.evaluatedName,
        deadlineMs,
      },
      (evaluation) => {
        message.pending = undefined;
        try {
          take(message, check, evaluation, ports);
          if (run(message, mail, options, deadlineMs)) done();
        } catch (error) {
          failed();
          throw error;
        }
      },
    );
    if ("cancel" in answer) {
      message.pending = answer;
      return false;
    }
    take(message, check, answer, ports);
  }
}

function take(
  message: Message,
  check: IdentityCheck,
  evaluation: Evaluation,
  { settings }: FilterPorts,
): void {
  message.findings = withOutcome(message.findings, check, evaluation.outcome);
  const { forwarder } = message.findings;
  if (check.purpose !== "forwarder") message.log.result(check, evaluation);
  else if (forwarder !== undefined) {
    const rule = ruleOf(settings, "TrustedForwarder", message.findings.forwardersAsked - 1);
    message.log.action({ action: "skipped", reason: { words: `TrustedForwarder ${forwarder}`, rule } });
  }
}
