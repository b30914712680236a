import type { EndOfMessageResponse } from "milter-protocol";
import {
  decideAtMail,
  type MailDecision,
  type RelayedClient,
  recipientOf,
  trustedSession,
  whitelistedClient,
} from "../policy/index.ts";
import { disposeUnchecked } from "./dispose.ts";
import type { CheckedMail, Message } from "./message.ts";
import { speak } from "./refuse.ts";
import type { Surroundings } from "./surroundings.ts";

/** What is to be done with a message through a trusted relay. */
export type Learned =
  | { readonly kind: "answer"; readonly answer: EndOfMessageResponse }
  | { readonly kind: "check"; readonly mail: CheckedMail };

/**
 * Takes client, host name and HELO from the Received field of the relay, and then decides all that is decided at
 * CONNECT, MAIL and RCPT for other mail. Where the field cannot be read, the message is not evaluated.
 */
export function learnRelayedClient(around: Surroundings, message: Message): Learned {
  const hop = message.fields.relayHop;
  if (hop?.kind !== "client") {
    return skipped(around, message, "TrustedRelay: no Received field that names its client");
  }
  const { client, helo } = hop.relayed;
  message.journal.client = client;
  message.journal.helo = helo;
  const reason = trustedClient(around, hop.relayed);
  if (reason !== undefined) return skipped(around, message, reason);
  const { settings } = around.ports;
  const decision = decideAtMail(settings, client, message.argument);
  switch (decision.kind) {
    case "skip":
      return skipped(around, message, decision.reason);
    case "refuse":
      return malformedSender(around, message, decision);
    case "check": {
      const { sender, policy } = decision;
      for (const argument of message.unread) message.recipients.push(recipientOf(settings, policy, argument));
      return { kind: "check", mail: { client, helo, sender, policy, stage: "eom" } };
    }
  }
}

function trustedClient(
  { ports }: Surroundings,
  { client, authenticated }: RelayedClient,
): string | undefined {
  return (
    whitelistedClient(ports.settings, client) ??
    trustedSession(ports.settings, {
      authenticated: authenticated ? "by the relay" : undefined,
      verify: undefined,
    })
  );
}

function skipped(around: Surroundings, message: Message, reason: string): Learned {
  message.journal.action({ action: "skipped", reason });
  return { kind: "answer", answer: disposeUnchecked(around, message) };
}

function malformedSender(
  around: Surroundings,
  message: Message,
  { reason, reply, reportOnly }: Extract<MailDecision, { kind: "refuse" }>,
): Learned {
  const { settings } = around.ports;
  const policy = { actions: settings, lines: [] };
  const exempt = message.unread.some((path) => recipientOf(settings, policy, path).exempt !== undefined);
  if (exempt) return skipped(around, message, reason);
  const response = speak(message, reason, reply, reportOnly);
  const answer = response.kind === "reply" ? { edits: [], response } : disposeUnchecked(around, message);
  return { kind: "answer", answer };
}
