import type { EndOfMessageResponse } from "milter-protocol";
import {
  decideAtMail,
  type MailDecision,
  type Reason,
  type RelayedClient,
  recipientOf,
  trustedSession,
  whitelistedClient,
} from "../policy/index.ts";
import { finishUnchecked } from "./end-of-message.ts";
import type { CheckedMail, ConnectionContext, Message } from "./message.ts";
import { speak } from "./message.ts";

/** What is to be done with a message through a trusted relay. */
export type RelayOutcome =
  | { readonly kind: "answer"; readonly answer: EndOfMessageResponse }
  | { readonly kind: "check"; readonly mail: CheckedMail };

/**
 * Takes client, host name and HELO from the Received field of the relay, and then decides all that is decided at
 * CONNECT, MAIL and RCPT for other mail. Where the field cannot be read, the message is not evaluated.
 */
export function resolveRelayedClient(context: ConnectionContext, message: Message): RelayOutcome {
  const hop = message.fields.relayHop;
  if (hop?.kind !== "client") {
    return skipped(context, message, {
      words: "TrustedRelay: no Received field that names its client",
      rule: undefined,
    });
  }
  const { client, helo } = hop.relayed;
  message.log.client = client;
  message.log.helo = helo;
  const reason = trustedClient(context, hop.relayed);
  if (reason !== undefined) return skipped(context, message, reason);
  const { settings } = context.ports;
  const decision = decideAtMail(settings, client, message.argument);
  switch (decision.kind) {
    case "skip":
      return skipped(context, message, decision.reason);
    case "refuse":
      return malformedSender(context, message, decision);
    case "check": {
      const { sender, policy } = decision;
      for (const argument of message.unread) message.recipients.push(recipientOf(settings, policy, argument));
      return { kind: "check", mail: { client, helo, sender, policy, stage: "eom" } };
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

function malformedSender(
  context: ConnectionContext,
  message: Message,
  { reason, reply, reportOnly }: Extract<MailDecision, { kind: "refuse" }>,
): RelayOutcome {
  const { settings } = context.ports;
  const policy = { actions: settings, lines: [] };
  const exempt = message.unread.some((path) => recipientOf(settings, policy, path).exempt !== undefined);
  if (exempt) return skipped(context, message, reason);
  const response = speak(message, reason, reply, reportOnly);
  const answer = response.kind === "reply" ? { edits: [], response } : finishUnchecked(context, message);
  return { kind: "answer", answer };
}
