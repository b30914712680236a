import type { OctetString } from "../address/index.ts";
import { type Inquiry, nextInquiry, withOutcome } from "../policy/index.ts";
import type { CheckedMail, Message } from "./message.ts";
import type { Evaluation, FilterPorts } from "./ports.ts";

/** What one run of evaluations needs besides the message. */
export interface Evaluating {
  readonly ports: FilterPorts;
  /** The name for %{r}. */
  readonly receiver: OctetString;
  /** Called when all is known, where that is not before {@link evaluateMessage} returns. */
  readonly done: () => void;
  /** Called where what follows a late verdict throws; the error goes on to the evaluator. */
  readonly failed: () => void;
}

/**
 * Evaluates what is wanted of a message, one inquiry after another, within one deadline (LookupTime). True when
 * all is known on return: verdicts that are in memory cost no wait.
 */
export function evaluateMessage(message: Message, mail: CheckedMail, evaluating: Evaluating): boolean {
  const { ports } = evaluating;
  return run(message, mail, evaluating, ports.nowMs() + ports.settings.lookupTimeMs);
}

function run(message: Message, mail: CheckedMail, evaluating: Evaluating, deadlineMs: number): boolean {
  const { ports, receiver, done, failed } = evaluating;
  for (;;) {
    const inquiry = nextInquiry(ports.settings, mail.policy, mail, message.findings);
    if (inquiry === undefined) return true;
    const arrived: { evaluation: Evaluation | undefined; late: boolean } = {
      evaluation: undefined,
      late: false,
    };
    const cancel = ports.evaluator.evaluate(
      {
        ip: mail.client.evaluatedIp,
        domain: inquiry.domain,
        sender: inquiry.sender,
        helo: mail.helo,
        receiver,
        clientName: mail.client.evaluatedName,
        deadlineMs,
      },
      (evaluation) => {
        arrived.evaluation = evaluation;
        if (!arrived.late) return;
        message.cancel = undefined;
        try {
          take(message, inquiry, evaluation);
          if (run(message, mail, evaluating, deadlineMs)) done();
        } catch (error) {
          failed();
          throw error;
        }
      },
    );
    if (arrived.evaluation === undefined) {
      arrived.late = true;
      message.cancel = cancel;
      return false;
    }
    take(message, inquiry, arrived.evaluation);
  }
}

function take(message: Message, inquiry: Inquiry, evaluation: Evaluation): void {
  message.findings = withOutcome(message.findings, inquiry, evaluation.outcome);
  const { forwarder } = message.findings;
  if (inquiry.purpose !== "forwarder") message.journal.result(inquiry, evaluation);
  else if (forwarder !== undefined) {
    message.journal.action({ action: "skipped", reason: `TrustedForwarder ${forwarder}` });
  }
}
