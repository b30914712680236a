import { networkContains, type OctetString, type Path, parsePath } from "../address/index.ts";
import type { Client } from "./client.ts";
import { matchesHostName } from "./host-name.ts";
import { matchesPattern } from "./pattern.ts";
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
