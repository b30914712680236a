import type { EndOfMessageResponse } from "milter-protocol";
import {
  type Client,
  decideAtMail,
  type Reason,
  type RelayedClient,
  recipientOf,
  senderOfUnknownClient,
  trustedSession,
  whitelistedClient,
} from "../policy/index.ts";
import { finishUnchecked } from "./end-of-message.ts";
import { type CheckedMail, type ConnectionContext, type Message } from "./message.ts";

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
