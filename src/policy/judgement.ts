import { bareOutcome, isNoMailRecord, type Outcome, type SpfResult } from "spf-check";
import { isHeloDomain, type OctetString, type Path } from "../address/index.ts";
import type { CheckedIdentity } from "../trace-fields/index.ts";
import type { ActionSettings, MailPolicy, PolicySettings } from "./settings.ts";

/** What the evaluations of one message have shown so far. */
export interface Findings {
  /** The HELO identity, where it is evaluated in addition to the sender (CheckHelo). */
  readonly helo: CheckedIdentity | undefined;
  /** The sender: MAIL FROM, or the HELO identity where the sender is null. */
  readonly sender: CheckedIdentity | undefined;
  /** The TrustedForwarder that the client is. */
  readonly forwarder: string | undefined;
  /** How many of the TrustedForwarder lines have been evaluated. */
  readonly forwardersAsked: number;
}

/** The findings before anything is evaluated. */
export const NO_FINDINGS: Findings = {
  helo: undefined,
  sender: undefined,
  forwarder: undefined,
  forwardersAsked: 0,
};

/** Who said the result that is acted upon: the domain, SPFRules, or SPFGuess. */
export type Basis = "published" | "local" | "guess";

/** The result that decides what is done; fields and log keep the published one. */
export interface ActingResult {
  readonly result: SpfResult;
  readonly basis: Basis;
}

/** What led to something being done. */
export interface Cause extends ActingResult {
  readonly checked: CheckedIdentity;
}

/** What the findings and the options come to, for one recipient or for a whole message. */
export type Judgement =
  | { readonly kind: "deliver" }
  /** Tagged and quarantined, as far as the options say. */
  | { readonly kind: "flag"; readonly cause: Cause }
  /** @property option the one that says so; undefined where this host is overloaded */
  | { readonly kind: "refuse"; readonly cause: Cause; readonly option: RefusingOption | undefined };

/** The options that refuse for a result, as smf-spf.conf(5) spells them. */
export type RefusingOption =
  | "RefuseFail"
  | "RefuseHeloFail"
  | "RefuseSoftFail"
  | "RefuseNeutral"
  | "RefuseSPFNone"
  | "RefuseSPFNoneHelo"
  | "RefusePermError"
  | "AcceptTempError";

const DELIVER: Judgement = { kind: "deliver" };

/**
 * The result to act upon. Local rules win over the published result, but for an error in them: their lookups may
 * depend on the sender, and what he can make slow or wrong must not undo a published fail. A guess counts only as
 * fail or pass: other guesses leave a none a none.
 */
export function actingResult({ result, local, guess }: Outcome): ActingResult {
  if (local !== undefined && local.result !== "temperror" && local.result !== "permerror") {
    return { result: local.result, basis: "local" };
  }
  if (guess?.result === "fail" || guess?.result === "pass") return { result: guess.result, basis: "guess" };
  return { result, basis: "published" };
}

/** Judges the findings. ReportOnly changes nothing here: it is for the caller not to carry out the judgement. */
export function judge(actions: ActionSettings, findings: Findings): Judgement {
  if (!actions.check || findings.forwarder !== undefined) return DELIVER;
  const { helo, sender } = findings;
  const overloaded = overloadedIdentity(findings);
  if (overloaded !== undefined) return { kind: "refuse", cause: causeOf(overloaded), option: undefined };
  if (helo !== undefined && refusesHelo(actions, helo)) {
    return { kind: "refuse", cause: causeOf(helo), option: "RefuseHeloFail" };
  }
  // The HELO result is the only one where it ended the evaluation of the message, yet not for this recipient.
  const checked = sender ?? helo;
  if (checked === undefined) return DELIVER;
  const cause = causeOf(checked);
  const option = checked === sender ? refusingOption(actions, cause) : undefined;
  if (option !== undefined) return { kind: "refuse", cause, option };
  return isFlagged(cause) ? { kind: "flag", cause } : DELIVER;
}

/** The identity that could not be evaluated because too much was going on here: no word of DNS, so no temperror to accept. */
function overloadedIdentity({ helo, sender }: Findings): CheckedIdentity | undefined {
  return [sender, helo].find((checked) => checked?.outcome.failure === "overload");
}

/** Whether a result is one that Subject tag and quarantine are for: softfail, and fail that is not refused. */
export function isFlagged({ result }: ActingResult): boolean {
  return result === "fail" || result === "softfail";
}

/** Whether the judgement makes a difference to the message under these options. */
export function isActedUpon(actions: ActionSettings, judgement: Judgement): boolean {
  switch (judgement.kind) {
    case "deliver":
      return false;
    case "flag":
      return actions.tagSubject || actions.quarantine;
    case "refuse":
      return true;
  }
}

/** The cause in words for the log: `SPF fail`, `SPF none of HELO, local policy fail`. */
export function describeCause({ checked, result, basis }: Cause): string {
  const published = `SPF ${checked.outcome.result}${checked.identity === "helo" ? " of HELO" : ""}`;
  if (basis === "published") return published;
  return `${published}, ${basis === "local" ? "local policy" : "best guess"} ${result}`;
}

function causeOf(checked: CheckedIdentity): Cause {
  const { result, basis } = actingResult(checked.outcome);
  return { checked, result, basis };
}

function refusesHelo(actions: ActionSettings, helo: CheckedIdentity): boolean {
  return actingResult(helo.outcome).result === "fail" && refusesFail(actions.refuseHeloFail, helo.outcome);
}

/** The option that refuses for this result of the sender, where one does. */
function refusingOption(actions: ActionSettings, { checked, result }: Cause): RefusingOption | undefined {
  switch (result) {
    case "pass":
      return undefined;
    case "fail":
      return refusesFail(actions.refuseFail, checked.outcome) ? "RefuseFail" : undefined;
    case "softfail":
      return actions.refuseSoftFail ? "RefuseSoftFail" : undefined;
    case "neutral":
      return actions.refuseNeutral ? "RefuseNeutral" : undefined;
    case "none":
      if (checked.identity === "helo") return actions.refuseSPFNoneHelo ? "RefuseSPFNoneHelo" : undefined;
      return actions.refuseSPFNone ? "RefuseSPFNone" : undefined;
    case "permerror":
      return actions.refusePermError ? "RefusePermError" : undefined;
    case "temperror":
      return actions.acceptTempError ? undefined : "AcceptTempError";
  }
}

function refusesFail(setting: ActionSettings["refuseFail"], { record }: Outcome): boolean {
  if (setting === "nomail") return record !== undefined && isNoMailRecord(record);
  return setting === "on";
}

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
  // A recipient's options may refuse what those of the message do not; a pass is refused by none.
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
  const problem = "no Received field of the relay names its client";
  const outcome = { ...bareOutcome("temperror", check.domain), problem };
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
