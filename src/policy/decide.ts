import { formatNetwork, networkContains, type OctetString, type Path, parsePath } from "../address/index.ts";
import { type Client, clientAt, matchesHostName, readClientAddress } from "./client.ts";
import { type Findings, type Judgement, judge } from "./judgement.ts";
import { findPattern, formatPattern, matchesPattern } from "./patterns.ts";
import { type Reply, senderSyntaxReply } from "./reply.ts";
import type { ActionSettings, PolicyFor, PolicySettings } from "./settings.ts";

/** The options in force for one mail: those outside, with the PolicyFor lines that match it. */
export interface MailPolicy {
  /** As far as client and sender decide. */
  readonly actions: ActionSettings;
  /** The matching lines in order, where some of them ask for a recipient too; else empty. */
  readonly lines: readonly PolicyFor[];
}

const NO_LINES: readonly PolicyFor[] = [];
const LOCAL_PART_OCTETS_MAX = 64;

/** The options for a mail of this client and sender; later lines win. */
export function policyForMail(settings: PolicySettings, client: Client, sender: Path): MailPolicy {
  if (settings.policyFor.length === 0) return { actions: settings, lines: NO_LINES };
  const lines = settings.policyFor.filter(
    ({ ip, ptr, from }) =>
      (ip === undefined || networkContains(ip, client.ip)) &&
      (ptr === undefined || matchesHostName(ptr, client.name)) &&
      (from === undefined || matchesPattern(from, sender)),
  );
  const actions = merged(
    settings,
    lines.filter(({ to }) => to === undefined),
  );
  return { actions, lines: lines.some(({ to }) => to !== undefined) ? lines : NO_LINES };
}

/** The options for one recipient of the mail. */
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
  return lines.reduce<ActionSettings>((actions, line) => ({ ...actions, ...line.actions }), settings);
}

/** The sender, and the options that it and the client bring into force. */
export interface ReadSender {
  readonly sender: Path;
  readonly policy: MailPolicy;
}

/**
 * Reads the argument of MAIL FROM. A sender without a domain is none (RFC 5321 section 4.1.2). How long a local
 * part may be is an option that a PolicyFor line for this very sender can give.
 */
export function readSender(settings: PolicySettings, client: Client, argument: OctetString): ReadSender {
  const relaxed = withDomain(parsePath(argument, { relaxedLocalPart: true }));
  const policy = policyForMail(settings, client, relaxed);
  return { sender: limited(relaxed, argument, policy.actions), policy };
}

/** Reads the argument of RCPT TO: `<postmaster>` needs no domain (RFC 5321 section 4.1.1.3), the rest do. */
export function readRecipient(argument: OctetString): Path {
  const path = parsePath(argument, { relaxedLocalPart: true });
  if (path.kind === "null") return { kind: "malformed", reason: "a recipient is missing" };
  return path.kind === "mailbox" && path.localPart.toLowerCase() === "postmaster" ? path : withDomain(path);
}

/** The recipient again, malformed where its local part is longer than its options let it be. */
export function limitedRecipient(path: Path, argument: OctetString, actions: ActionSettings): Path {
  return limited(path, argument, actions);
}

function limited(path: Path, argument: OctetString, actions: ActionSettings): Path {
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

/** What is to be done with the mail of a connection. */
export type ConnectDecision =
  /** Everything passes unchecked, for the reason told; there is no client where it is no SMTP over IP. */
  | { readonly kind: "pass"; readonly reason: string; readonly client: Client | undefined }
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
    return { kind: "pass", reason: `no IP address (${facts.family})`, client: undefined };
  }
  const client = clientAt(settings, address, facts.hostname);
  if (isTrustedRelay(settings, client)) return { kind: "relay", client };
  const reason = whitelistedClient(settings, client);
  return reason === undefined ? { kind: "check", client } : { kind: "pass", reason, client };
}

/** Whether the client is one of our own relays. */
function isTrustedRelay(settings: PolicySettings, client: Client): boolean {
  return settings.trustedRelay.some((network) => networkContains(network, client.ip));
}

/** The WhitelistIP or WhitelistPTR line that lets a client pass, as a reason for the log. */
export function whitelistedClient(settings: PolicySettings, client: Client): string | undefined {
  const network = settings.whitelistIP.find((block) => networkContains(block, client.ip));
  if (network !== undefined) return `WhitelistIP ${formatNetwork(network)}`;
  const name = settings.whitelistPTR.find((pattern) => matchesHostName(pattern, client.name));
  return name === undefined ? undefined : `WhitelistPTR ${name}`;
}

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
