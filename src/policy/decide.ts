import {
  formatNetwork,
  networkContains,
  type OctetString,
  type Path,
  parseOddPath,
  parsePath,
} from "../address/index.ts";
import { type Client, clientAt, readClientAddress } from "./client.ts";
import { type Findings, type Judgement, judge } from "./judgement.ts";
import { findPattern, formatPattern, matchesHostName, matchesPattern } from "./patterns.ts";
import {
  type ActionSettings,
  type MailPolicy,
  type Origins,
  type PolicyFor,
  type PolicySettings,
  type Reason,
  ruleOf,
} from "./settings.ts";

const NO_LINES: readonly PolicyFor[] = [];
const LOCAL_PART_OCTETS_MAX = 64;

/** The options for a message of this client and sender; later lines win. Of a client that is not known no line is. */
export function policyForMail(
  settings: PolicySettings,
  client: Client | undefined,
  sender: Path,
): MailPolicy {
  if (settings.policyFor.length === 0) return { actions: settings, lines: NO_LINES };
  const lines = settings.policyFor.filter(
    ({ ip, ptr, from }) =>
      (ip === undefined || (client !== undefined && networkContains(ip, client.ip))) &&
      (ptr === undefined || matchesHostName(ptr, client?.name)) &&
      (from === undefined || matchesPattern(from, sender)),
  );
  const actions = merged(
    settings,
    lines.filter(({ to }) => to === undefined),
  );
  return { actions, lines: lines.some(({ to }) => to !== undefined) ? lines : NO_LINES };
}

/** The options for one recipient of the message. */
export function actionsForRecipient(
  settings: PolicySettings,
  policy: MailPolicy,
  recipient: Path,
): ActionSettings {
  if (policy.lines.length === 0) return policy.actions;
  return merged(
    settings,
    policy.lines.filter(({ to }) => to === undefined || matchesPattern(to, recipient)),
  );
}

function merged(settings: PolicySettings, lines: readonly PolicyFor[]): ActionSettings {
  return lines.reduce<ActionSettings>(
    (actions, line) => ({
      ...actions,
      ...line.actions,
      origins: { ...actions.origins, ...originsOf(settings, line) },
    }),
    settings,
  );
}

/** The options of a PolicyFor line have the origin of that line. */
function originsOf(settings: PolicySettings, line: PolicyFor): Origins {
  const origin = settings.origins?.["PolicyFor"]?.[settings.policyFor.indexOf(line)];
  if (origin === undefined) return {};
  return Object.fromEntries(Object.keys(line.actions).map((key) => [optionName(key), [origin]]));
}

function optionName(key: string): string {
  return key === "check" ? "SPFBehavior" : key.slice(0, 1).toUpperCase() + key.slice(1);
}

/** The sender, and the options that it and the client bring into force. */
export interface ReadSender {
  readonly sender: Path;
  readonly policy: MailPolicy;
}

/**
 * Reads the argument of MAIL FROM. What is not an address by RFC 5321 is read as far as there is a domain: this is not a
 * syntax check, and a domain that DNS cannot have is none.
 */
export function readSender(
  settings: PolicySettings,
  client: Client | undefined,
  argument: OctetString,
): ReadSender {
  const path = parsePath(argument, { relaxedLocalPart: true });
  const sender = withDomain(path.kind === "malformed" ? parseOddPath(argument) : path);
  return { sender, policy: policyForMail(settings, client, sender) };
}

/** Why a sender is refused as no address (5.1.7), under these options. */
export function senderFault(actions: ActionSettings, sender: Path): Reason | undefined {
  if (!actions.check || !refusesAnything(actions)) return undefined;
  if (sender.kind === "malformed") return { words: `sender syntax: ${sender.reason}`, rule: undefined };
  if (sender.kind === "null" || actions.relaxedLocalPart) return undefined;
  if (sender.localPart.length <= LOCAL_PART_OCTETS_MAX) return undefined;
  return {
    words: `sender syntax: local part is longer than ${LOCAL_PART_OCTETS_MAX} octets`,
    rule: ruleOf(actions, "RelaxedLocalPart"),
  };
}

/** Reads the argument of RCPT TO: `<postmaster>` needs no domain (RFC 5321 section 4.1.1.3), the rest do. */
export function readRecipient(argument: OctetString): Path {
  const path = parsePath(argument, { relaxedLocalPart: true });
  if (path.kind === "null") return { kind: "malformed", reason: "a recipient is missing" };
  return path.kind === "mailbox" && path.localPart.toLowerCase() === "postmaster" ? path : withDomain(path);
}

/** The recipient again, malformed where its local part is longer than its options let it be. */
function limitedRecipient(path: Path, argument: OctetString, actions: ActionSettings): Path {
  if (actions.relaxedLocalPart || path.kind !== "mailbox") return path;
  return path.localPart.length <= LOCAL_PART_OCTETS_MAX
    ? path
    : parsePath(argument, { relaxedLocalPart: false });
}

function withDomain(path: Path): Path {
  return path.kind === "mailbox" && path.domain === ""
    ? { kind: "malformed", reason: "the domain is missing" }
    : path;
}

/** What the MTA says of a connection. */
export interface ConnectionFacts {
  readonly hostname: OctetString;
  readonly family: "unknown" | "unix" | "inet" | "inet6";
  readonly address: string;
}

/** What is done with the messages of a connection. */
export type ConnectDecision =
  /** Nothing is evaluated, for this reason; there is no client where the mail does not come by SMTP over IP. */
  | { readonly kind: "skip"; readonly reason: Reason; readonly client: Client | undefined }
  /** Our own relay: the client is the one that its Received field names. */
  | { readonly kind: "relay"; readonly client: Client }
  | { readonly kind: "check"; readonly client: Client };

/**
 * Decides what a client's address and host name alone decide. TrustedRelay comes first: a relay is often inside
 * a network that WhitelistIP lets pass, and its line says more.
 */
export function decideAtConnect(settings: PolicySettings, facts: ConnectionFacts): ConnectDecision {
  const address =
    facts.family === "inet" || facts.family === "inet6" ? readClientAddress(facts.address) : undefined;
  if (address === undefined) {
    const reason = { words: `no IP address (${facts.family})`, rule: undefined };
    return { kind: "skip", reason, client: undefined };
  }
  const client = clientAt(settings, address, facts.hostname);
  if (isTrustedRelay(settings, client)) return { kind: "relay", client };
  const reason = whitelistedClient(settings, client);
  return reason === undefined ? { kind: "check", client } : { kind: "skip", reason, client };
}

/** Whether the client is one of our own relays. */
function isTrustedRelay(settings: PolicySettings, client: Client): boolean {
  return settings.trustedRelay.some((network) => networkContains(network, client.ip));
}

/** The WhitelistIP or WhitelistPTR entry that lets a client pass. */
export function whitelistedClient(settings: PolicySettings, client: Client): Reason | undefined {
  for (const [index, network] of settings.whitelistIP.entries()) {
    if (!networkContains(network, client.ip)) continue;
    return {
      words: `WhitelistIP ${formatNetwork(network)}`,
      rule: ruleOf(settings, "WhitelistIP", index),
    };
  }
  const index = settings.whitelistPTR.findIndex((pattern) => matchesHostName(pattern, client.name));
  const name = settings.whitelistPTR[index];
  return name === undefined
    ? undefined
    : { words: `WhitelistPTR ${name}`, rule: ruleOf(settings, "WhitelistPTR", index) };
}

/** What the MTA says of the SMTP session at MAIL. */
export interface SessionFacts {
  /** `{auth_authen}`. */
  readonly authenticated: string | undefined;
  /** `{verify}`. */
  readonly verify: string | undefined;
}

/** Why the mail of a session passes unchecked, or undefined: SMTP AUTH, a verified client certificate. */
export function trustedSession(settings: PolicySettings, session: SessionFacts): Reason | undefined {
  if (settings.skipAuth && session.authenticated !== undefined && session.authenticated !== "") {
    return optionReason(settings, "SkipAuth");
  }
  return settings.skipTLSVerified && session.verify === "OK"
    ? optionReason(settings, "SkipTLSVerified")
    : undefined;
}

function optionReason(settings: PolicySettings, option: string): Reason {
  return { words: option, rule: ruleOf(settings, option) };
}

/** What is to be done at MAIL, before anything is evaluated; a sender to be checked may have a {@link senderFault}. */
export type MailDecision =
  /** Not evaluated, for this reason; forged fields are still removed at end of message. */
  | { readonly kind: "skip"; readonly reason: Reason }
  | { readonly kind: "check"; readonly sender: Path; readonly policy: MailPolicy };

/** Decides what the sender alone decides. */
export function decideAtMail(
  settings: PolicySettings,
  client: Client | undefined,
  argument: OctetString,
): MailDecision {
  const { sender, policy } = readSender(settings, client, argument);
  const { actions, lines } = policy;
  if (sender.kind === "null" && settings.skipNDR) {
    return { kind: "skip", reason: optionReason(settings, "SkipNDR") };
  }
  const listed = listedPath(settings, "WhitelistFrom", sender);
  if (listed !== undefined) return { kind: "skip", reason: listed };
  if (!actions.check && !lines.some((line) => line.actions.check === true)) {
    return { kind: "skip", reason: { words: "SPFBehavior 0", rule: ruleOf(actions, "SPFBehavior") } };
  }
  return { kind: "check", sender, policy };
}

/** The entry of a list of patterns that an envelope address matches. */
function listedPath(
  settings: PolicySettings,
  option: "WhitelistFrom" | "WhitelistTo",
  path: Path,
): Reason | undefined {
  const patterns = option === "WhitelistFrom" ? settings.whitelistFrom : settings.whitelistTo;
  if (patterns.length === 0) return undefined;
  const pattern = findPattern(patterns, path);
  if (pattern === undefined) return undefined;
  return {
    words: `${option} ${formatPattern(pattern)}`,
    rule: ruleOf(settings, option, patterns.indexOf(pattern)),
  };
}

/** The stage at which a refusal is sent. */
export type RefusalStage = "mail" | "rcpt" | "eom";

/**
 * The stage at which a message is refused (RejectAt). Where a recipient can change the decision, that is
 * RCPT.
 */
export function refusalStage(settings: PolicySettings, policy: MailPolicy): RefusalStage {
  return dependsOnRecipient(settings, policy) ? "rcpt" : policy.actions.rejectAt;
}

/** The stage at which a sender that is not an address is refused: MAIL, where no recipient can change that. */
export function syntaxStage(settings: PolicySettings, policy: MailPolicy): RefusalStage {
  return dependsOnRecipient(settings, policy) ? "rcpt" : "mail";
}

/** Whether a recipient can change what is decided. */
function dependsOnRecipient({ whitelistTo }: PolicySettings, { lines }: MailPolicy): boolean {
  return whitelistTo.length > 0 || lines.length > 0;
}

/** One recipient and the options that hold for it. */
export interface Recipient {
  /** As given in RCPT TO, with angle brackets. */
  readonly argument: OctetString;
  readonly path: Path;
  readonly actions: ActionSettings;
  /** The WhitelistTo entry that exempts it. */
  readonly exempt: Reason | undefined;
}

/** Reads the argument of RCPT TO and finds the options for this recipient. */
export function recipientOf(settings: PolicySettings, policy: MailPolicy, argument: OctetString): Recipient {
  const relaxed = readRecipient(argument);
  const actions = actionsForRecipient(settings, policy, relaxed);
  return {
    argument,
    path: limitedRecipient(relaxed, argument, actions),
    actions,
    exempt: listedPath(settings, "WhitelistTo", relaxed),
  };
}

/** What the findings come to for one recipient: a whitelisted one gets its mail as it is. */
export function decideAtRcpt(recipient: Recipient, findings: Findings): Judgement {
  return recipient.exempt === undefined ? judge(recipient.actions, findings) : { kind: "deliver" };
}

/** Whether these options refuse anything; SPFBehavior 0 and 1 do not. */
export function refusesAnything(actions: Partial<ActionSettings>): boolean {
  return (
    (actions.refuseFail ?? "off") !== "off" ||
    (actions.refuseHeloFail ?? "off") !== "off" ||
    actions.refuseSoftFail === true ||
    actions.refuseNeutral === true ||
    actions.refuseSPFNone === true ||
    actions.refuseSPFNoneHelo === true ||
    actions.refusePermError === true ||
    actions.acceptTempError === false
  );
}
