import type { OctetString, Path } from "../address/index.ts";
import type { Client } from "./client.ts";
import { type MailPolicy, readSender } from "./mail-policy.ts";
import { findPattern, formatPattern } from "./pattern.ts";
import { type Reply, senderSyntaxReply } from "./reply.ts";
import type { PolicySettings } from "./settings.ts";

/** What the MTA says of the SMTP session at MAIL. */
export interface SessionFacts {
  /** `{auth_authen}`. */
  readonly authenticated: string | undefined;
  /** `{verify}`. */
  readonly verify: string | undefined;
}

/** Why the mail of a session passes unchecked, or undefined: SMTP AUTH, a verified client certificate. */
export function trustedSession(settings: PolicySettings, session: SessionFacts): string | undefined {
  if (settings.skipAuth && session.authenticated !== undefined && session.authenticated !== "") {
    return "SkipAuth";
  }
  return settings.skipTLSVerified && session.verify === "OK" ? "SkipTLSVerified" : undefined;
}

/** What is to be done at MAIL, before anything is evaluated. */
export type MailDecision =
  /** Not evaluated, for the reason told; forged fields are still removed at end of message. */
  | { readonly kind: "skip"; readonly reason: string }
  | { readonly kind: "refuse"; readonly reason: string; readonly reply: Reply; readonly reportOnly: boolean }
  | { readonly kind: "check"; readonly sender: Path; readonly policy: MailPolicy };

/** Decides what the sender alone decides. */
export function decideAtMail(settings: PolicySettings, client: Client, argument: OctetString): MailDecision {
  const { sender, policy } = readSender(settings, client, argument);
  const { actions, lines } = policy;
  if (sender.kind === "null" && settings.skipNDR) return { kind: "skip", reason: "SkipNDR" };
  const pattern = findPattern(settings.whitelistFrom, sender);
  if (pattern !== undefined) return { kind: "skip", reason: `WhitelistFrom ${formatPattern(pattern)}` };
  if (!actions.check && !lines.some((line) => line.actions.check === true)) {
    return { kind: "skip", reason: "SPFBehavior 0" };
  }
  if (sender.kind === "malformed") {
    return {
      kind: "refuse",
      reason: `sender syntax: ${sender.reason}`,
      reply: senderSyntaxReply(actions),
      reportOnly: actions.reportOnly,
    };
  }
  return { kind: "check", sender, policy };
}
