import type { OctetString, Path } from "../address/index.ts";
import type { Findings } from "./findings.ts";
import { type Judgement, judge } from "./judgement.ts";
import { actionsForRecipient, limitedRecipient, type MailPolicy, readRecipient } from "./mail-policy.ts";
import { findPattern, formatPattern } from "./pattern.ts";
import type { ActionSettings, PolicySettings } from "./settings.ts";

/** The stage at which a refusal is spoken. */
export type RefusalStage = "mail" | "rcpt" | "eom";

/**
 * The stage at which a refusal of a mail is spoken (RejectAt). Where a recipient can change the decision, that is
 * RCPT.
 */
export function refusalStage(settings: PolicySettings, policy: MailPolicy): RefusalStage {
  return settings.whitelistTo.length > 0 || policy.lines.length > 0 ? "rcpt" : policy.actions.rejectAt;
}

/** One recipient and the options that hold for it. */
export interface Recipient {
  /** As given in RCPT TO, with angle brackets. */
  readonly argument: OctetString;
  readonly path: Path;
  readonly actions: ActionSettings;
  /** The WhitelistTo line that exempts it, as a reason for the log. */
  readonly exempt: string | undefined;
}

/** Reads the argument of RCPT TO and finds the options for this recipient. */
export function recipientOf(settings: PolicySettings, policy: MailPolicy, argument: OctetString): Recipient {
  const relaxed = readRecipient(argument);
  const actions = actionsForRecipient(settings, policy, relaxed);
  const pattern = findPattern(settings.whitelistTo, relaxed);
  return {
    argument,
    path: limitedRecipient(relaxed, argument, actions),
    actions,
    exempt: pattern === undefined ? undefined : `WhitelistTo ${formatPattern(pattern)}`,
  };
}

/** What the findings come to for one recipient: a whitelisted one gets its mail as it is. */
export function decideAtRcpt(recipient: Recipient, findings: Findings): Judgement {
  return recipient.exempt === undefined ? judge(recipient.actions, findings) : { kind: "deliver" };
}
