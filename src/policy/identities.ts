import type { Outcome } from "spf-check";
import { isHeloDomain, type OctetString, type Path } from "../address/index.ts";
import type { MailPolicy } from "./decide.ts";
import {
  actingResult,
  type Findings,
  isActedUpon,
  judge,
  NO_FINDINGS,
  overloadedIdentity,
} from "./judgement.ts";
import type { PolicySettings } from "./settings.ts";

/** An evaluation that is wanted next. */
export interface IdentityCheck {
  readonly purpose: "helo" | "sender" | "forwarder";
  readonly identity: "mailfrom" | "helo";
  readonly domain: OctetString;
  readonly sender: OctetString;
}

/**
 * The evaluation that is wanted next, or undefined when all is known. HELO comes first; where it fails and that
 * is refused, it is the last (RFC 7208 section 2.3). Forwarders are asked about only where something would be done.
 */
export function nextCheck(
  settings: PolicySettings,
  policy: MailPolicy,
  mail: { readonly sender: Path; readonly helo: OctetString },
  findings: Findings,
): IdentityCheck | undefined {
  if (mail.sender.kind === "malformed" || overloadedIdentity(findings) !== undefined) return undefined;
  if (findings.sender !== undefined) {
    return mayBeActedUpon(policy, findings) ? nextForwarder(settings, findings) : undefined;
  }
  const asked = mail.sender.kind === "mailbox" && settings.checkHelo && isHeloDomain(mail.helo);
  if (asked && findings.helo === undefined) return heloCheck("helo", mail.helo);
  if (findings.helo !== undefined && judge(policy.actions, findings).kind === "refuse") {
    const forwarder = nextForwarder(settings, findings);
    if (forwarder !== undefined) return forwarder;
    if (isHeloFailRefusedForAll(policy, findings)) return undefined;
  }
  return senderCheck(mail);
}

/**
 * Whether nobody gets the message. Where it is only reported, or a recipient's options take it, the sender is
 * judged and recorded as well: else a HELO name that fails would spare it the look at a sender that fails, too.
 */
function isHeloFailRefusedForAll({ actions, lines }: MailPolicy, findings: Findings): boolean {
  return (
    !actions.reportOnly &&
    lines.every((line) => {
      if (line.to === undefined) return true;
      const combined = { ...actions, ...line.actions };
      return !combined.reportOnly && judge(combined, findings).kind === "refuse";
    })
  );
}

/** The check of the sender: MAIL FROM, or the HELO identity where the sender is null (RFC 7208 section 2.4). */
export function senderCheck({
  sender,
  helo,
}: {
  readonly sender: Path;
  readonly helo: OctetString;
}): IdentityCheck {
  if (sender.kind !== "mailbox") return heloCheck("sender", helo);
  return { purpose: "sender", identity: "mailfrom", domain: sender.domain, sender: sender.address };
}

function heloCheck(purpose: "helo" | "sender", helo: OctetString): IdentityCheck {
  return { purpose, identity: "helo", domain: helo, sender: `postmaster@${helo}` };
}

function nextForwarder(settings: PolicySettings, findings: Findings): IdentityCheck | undefined {
  const domain = settings.trustedForwarder[findings.forwardersAsked];
  if (domain === undefined || findings.forwarder !== undefined) return undefined;
  return { purpose: "forwarder", identity: "mailfrom", domain, sender: `postmaster@${domain}` };
}

function mayBeActedUpon(policy: MailPolicy, findings: Findings): boolean {
  if (isActedUpon(policy.actions, judge(policy.actions, findings))) return true;
  // A recipient's options may refuse what those of the mail do not; a pass is refused by none.
  return (
    policy.lines.length > 0 &&
    [findings.helo, findings.sender].some(
      (checked) => checked !== undefined && actingResult(checked.outcome).result !== "pass",
    )
  );
}

/**
 * What there is to say of a sender whose client is not known, because a relay's Received field does not tell it: a
 * temperror, and no forwarder is looked for.
 */
export function senderOfUnknownClient(
  settings: PolicySettings,
  mail: { readonly sender: Path; readonly helo: OctetString },
): { check: IdentityCheck; outcome: Outcome; findings: Findings } {
  const check = senderCheck(mail);
  const outcome: Outcome = {
    result: "temperror",
    domain: check.domain,
    mechanism: undefined,
    path: [],
    explanation: undefined,
    problem: "no Received field of the relay names its client",
    record: undefined,
    recordSource: "published",
    lookups: 0,
    voids: 0,
    macrosRead: new Set(),
    ttlSeconds: 0,
    local: undefined,
    guess: undefined,
    trace: undefined,
  };
  const nobody = { ...NO_FINDINGS, forwardersAsked: settings.trustedForwarder.length };
  return { check, outcome, findings: withOutcome(nobody, check, outcome) };
}

/** The findings with what came of a check. */
export function withOutcome(findings: Findings, check: IdentityCheck, outcome: Outcome): Findings {
  const { purpose, identity, sender, domain } = check;
  const { forwarder, forwardersAsked } = findings;
  switch (purpose) {
    case "helo":
      return {
        helo: { identity, sender, outcome },
        sender: findings.sender,
        forwarder,
        forwardersAsked,
      };
    case "sender":
      return { helo: findings.helo, sender: { identity, sender, outcome }, forwarder, forwardersAsked };
    case "forwarder":
      return {
        helo: findings.helo,
        sender: findings.sender,
        forwarder: outcome.result === "pass" ? domain : undefined,
        forwardersAsked: forwardersAsked + 1,
      };
  }
}
