import { bareOutcome, type Outcome } from "spf-check";
import {
  decideAtConnect,
  decideAtMail,
  type Findings,
  judge,
  NO_FINDINGS,
  type PolicySettings,
  senderFault,
} from "../policy/index.ts";
import type { CheckedIdentity } from "../trace-fields/index.ts";
import type { ResultLine } from "./log-line.ts";
import type { LoggedMessage } from "./messages.ts";
import { isIpv6, policyDomain } from "./names.ts";

/**
 * Whether a message would be refused under these settings, as far as the log tells: the verdict is the one logged, the
 * options are those for all recipients, and RefuseFail nomail refuses nothing, as no line holds the record. A message
 * without a verdict keeps its fate, unless the settings exempt it. What comes through a TrustedRelay counts as
 * accepted: the log does not name the client that it relayed for.
 *
 * @param was what became of the message
 */
export function isRefusedUnder(settings: PolicySettings, message: LoggedMessage, was: boolean): boolean {
  const decided = decideAtConnect(settings, {
    hostname: unescaped(message.ptr),
    family: message.ip === "" ? "unknown" : isIpv6(message.ip) ? "inet6" : "inet",
    address: message.ip,
  });
  if (decided.client === undefined || decided.kind !== "check") return false;
  const decision = decideAtMail(settings, decided.client, `<${unescaped(message.from)}>`);
  if (decision.kind === "skip") return false;
  if (senderFault(decision.policy.actions, decision.sender) !== undefined) return true;
  if (isStillExempt(settings, message)) return false;
  const findings = findingsOf(settings, message);
  if (findings === undefined) return was;
  return judge(decision.policy.actions, findings).kind === "refuse";
}

/** The settings as they are for logged addresses, which are those after NAT. */
export function withoutNat<Settings extends PolicySettings>(settings: Settings): Settings {
  return { ...settings, clientIPNAT: [], fixedClientIP: undefined };
}

/** Whether what spared the message by more than its result still does. */
function isStillExempt(settings: PolicySettings, { actions }: LoggedMessage): boolean {
  if (actions.some(({ action }) => action === "refused")) return false;
  return actions.some(({ action, reason }) => {
    if (action === "spared") return true;
    if (action !== "skipped") return false;
    const forwarder = /^TrustedForwarder (\S+)/.exec(reason)?.[1];
    if (forwarder !== undefined) return settings.trustedForwarder.includes(forwarder);
    return reason.startsWith("WhitelistTo ") && settings.whitelistTo.length > 0;
  });
}

function findingsOf(settings: PolicySettings, message: LoggedMessage): Findings | undefined {
  const { verdict, heloVerdict, helo, from } = message;
  if (verdict === undefined && heloVerdict === undefined) return undefined;
  const identity = from === "" ? "helo" : "mailfrom";
  const sender = from === "" ? `postmaster@${helo}` : from;
  return {
    ...NO_FINDINGS,
    helo:
      heloVerdict === undefined || !settings.checkHelo
        ? undefined
        : verdictOf("helo", `postmaster@${helo}`, helo, heloVerdict),
    sender:
      verdict === undefined ? undefined : verdictOf(identity, sender, policyDomain(from, helo), verdict),
  };
}

function verdictOf(
  identity: CheckedIdentity["identity"],
  sender: string,
  domain: string,
  { result, local, guess, problem }: ResultLine,
): CheckedIdentity {
  const outcome: Outcome = {
    ...bareOutcome(result, domain),
    problem,
    local: local === undefined ? undefined : { result: local, mechanism: "" },
    guess: guess === undefined ? undefined : { result: guess, mechanism: "" },
  };
  return { identity, sender, outcome };
}

/** The octets that the log has escaped. */
function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(
    /\\(?:x([\da-f]{2})|(["\\]))/g,
    (_, hex: string | undefined, char: string | undefined) =>
      hex === undefined ? (char ?? "") : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
