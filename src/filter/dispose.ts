import type { Edit, EndOfMessageResponse } from "milter-protocol";
import { CONTINUE } from "milter-protocol";
import {
  type Disposal,
  decideAtEndOfMessage,
  describeCause,
  isActedUpon,
  type Quarantine,
  type Remaining,
} from "../policy/index.ts";
import { quarantineEdits, quarantineWay, recordEdits, tagEdit } from "./edits.ts";
import type { CheckedMail, Message } from "./message.ts";
import { refuse } from "./refuse.ts";
import type { Surroundings } from "./surroundings.ts";

/** The end of a message that was not evaluated: only what is forged goes. */
export function disposeUnchecked(around: Surroundings, message: Message): EndOfMessageResponse {
  return { edits: removalsOf(around, message), response: CONTINUE };
}

/** The end of a message that was evaluated: it is refused, or edited and let go. */
export function dispose(around: Surroundings, message: Message, mail: CheckedMail): EndOfMessageResponse {
  const judgement = message.judgement(mail);
  if (judgement.kind === "deliver" && mail.policy.lines.length === 0) return recorded(around, message, mail);
  tellExempt(message, mail);
  const remaining = message.remaining(mail);
  const disposal = decideAtEndOfMessage(carriedOut(remaining), mail.stage === "eom");
  if (disposal.refused !== undefined) {
    return { edits: [], response: refuse(around, message, mail, disposal.refused) };
  }
  const edits = removalsOf(around, message);
  tag(around, message, disposal, edits);
  if (remaining.some(({ actions }) => actions.check)) {
    edits.push(...recordEdits(around, message, mail));
  }
  quarantine(around, message, disposal.quarantine, edits);
  reportOnly(around, message, mail, remaining);
  return { edits, response: CONTINUE };
}

/** The end of the many messages to which nothing is done. */
function recorded(around: Surroundings, message: Message, mail: CheckedMail): EndOfMessageResponse {
  const edits = removalsOf(around, message);
  if (mail.policy.actions.check) edits.push(...recordEdits(around, message, mail));
  return { edits, response: CONTINUE };
}

/** Tells of the recipients to whom WhitelistTo lets the message pass. */
function tellExempt(message: Message, mail: CheckedMail): void {
  if (!isActedUpon(mail.policy.actions, message.judgement(mail))) return;
  for (const { argument, exempt } of message.recipients) {
    if (exempt === undefined) continue;
    message.journal.action({ action: "skipped", reason: exempt, recipients: [argument] });
  }
}

/** With ReportOnly a recipient gets its mail whatever the judgement. */
function carriedOut(remaining: readonly Remaining[]): readonly Remaining[] {
  if (!remaining.some(({ actions }) => actions.reportOnly)) return remaining;
  return remaining.map((recipient) =>
    recipient.actions.reportOnly ? { ...recipient, judgement: { kind: "deliver" } } : recipient,
  );
}

/** Tells what would have been done but for ReportOnly, as far as MAIL and RCPT have not told it. */
function reportOnly(
  around: Surroundings,
  message: Message,
  mail: CheckedMail,
  remaining: readonly Remaining[],
): void {
  const mayRefuse = mail.stage === "eom";
  const spared = remaining.filter(
    ({ actions, judgement }) => actions.reportOnly && (mayRefuse || judgement.kind === "mark"),
  );
  const would = decideAtEndOfMessage(spared, mayRefuse);
  if (would.refused !== undefined) refuse(around, message, mail, would.refused);
  if (would.tag !== undefined) {
    message.journal.action({ action: "tagged", reason: describeCause(would.tag.cause), reportOnly: true });
  }
  if (would.quarantine !== undefined) tellQuarantine(message, would.quarantine, would.quarantine.mode, true);
}

function removalsOf({ uses, offered }: Surroundings, message: Message): Edit[] {
  if ((!uses.removesForged && !uses.removesGuesses) || !offered.has("changeHeader")) return [];
  const { forged } = message.fields;
  if (forged > 0) {
    message.journal.action({
      action: "header removed",
      reason: `Authentication-Results in our name${forged > 1 ? ` (${forged})` : ""}`,
    });
  }
  return message.fields.removals();
}

function tag({ offered }: Surroundings, message: Message, disposal: Disposal, edits: Edit[]): void {
  if (disposal.tag === undefined) return;
  const edit = tagEdit(message.fields.subject, disposal.tag.text);
  if (!offered.has(edit.kind)) return;
  edits.push(edit);
  message.journal.action({ action: "tagged", reason: describeCause(disposal.tag.cause) });
}

function quarantine(
  { offered }: Surroundings,
  message: Message,
  wanted: Quarantine | undefined,
  edits: Edit[],
): void {
  const way = wanted === undefined ? undefined : quarantineWay(wanted, offered);
  if (wanted === undefined || way === undefined) return;
  edits.push(...quarantineEdits(wanted, way, describeCause(wanted.cause), message.smtputf8));
  tellQuarantine(message, wanted, way, false);
}

function tellQuarantine(
  message: Message,
  { cause, recipients }: Quarantine,
  way: Quarantine["mode"],
  onlyTold: boolean,
): void {
  message.journal.action({
    action: way === "hold" ? "held" : "quarantined",
    reason: describeCause(cause),
    recipients,
    reportOnly: onlyTold,
  });
}
