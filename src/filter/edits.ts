/** The edits of a message: fields on top, the tag of the Subject, quarantine. */
import type { Edit } from "milter-protocol";
import type { OctetString } from "../address/index.ts";
import type { MessageDecision, Quarantine } from "../policy/index.ts";
import {
  authenticationResults,
  guessField,
  printable,
  receivedSpf,
  type TraceFacts,
} from "../trace-fields/index.ts";
import { authservIdOf, type CheckedMail, type ConnectionContext, type Message } from "./message.ts";
import { canMove } from "./needs.ts";

/**
 * An index that no header reaches: the field goes to its end. One that is merely added comes at the end too with
 * Postfix, but Sendmail puts it above the first of its name, which would reverse the order of recipients.
 */
const BELOW_ALL_FIELDS = 1_000_000;

/**
 * The fields that record what was found, each put on top of the one before, so that Authentication-Results ends
 * up above all others (RFC 8601 section 4).
 */
export function traceFieldEdits(
  context: ConnectionContext,
  message: Message,
  mail: CheckedMail,
  dkimPass?: OctetString,
): Edit[] {
  const { settings } = context.ports;
  const { helo, sender } = message.findings;
  const main = sender ?? helo;
  if (main === undefined || !context.offered.has("insertHeader")) return [];
  const facts: TraceFacts = {
    receiver: context.receiver,
    ip: mail.client.evaluatedIp,
    helo: mail.helo,
    smtputf8: message.smtputf8,
    dkimPass,
  };
  const edits: Edit[] = [];
  if (settings.addReceivedHeader) {
    edits.push(onTop("Received-SPF", receivedSpf(facts, main)));
    const guess = guessField(facts, main);
    if (guess !== undefined) edits.push(onTop("X-SPF-Guess", guess));
  }
  if (settings.addHeader) {
    const checked = helo === undefined || main === helo ? [main] : [main, helo];
    edits.push(
      onTop(
        "Authentication-Results",
        authenticationResults({
          authservId: authservIdOf(context),
          checked,
          helo: mail.helo,
          smtputf8: message.smtputf8,
        }),
      ),
    );
  }
  return edits;
}

/** Whether Received-SPF of our own is among the edits. */
export function hasReceivedSpf(edits: readonly Edit[]): boolean {
  return edits.some((edit) => edit.kind === "insertHeader" && edit.name === "Received-SPF");
}

function onTop(name: string, value: OctetString): Edit {
  return { kind: "insertHeader", index: 0, name, value };
}

/** How a message is quarantined with an MTA that offers these edits; undefined where it offers none that serve. */
export function quarantineWay(
  quarantine: Quarantine,
  offered: ReadonlySet<Edit["kind"]>,
): Quarantine["mode"] | undefined {
  const mailbox = canMove(offered) && quarantine.recipients.length > 0;
  const hold = offered.has("quarantine") && !quarantine.shared;
  if (quarantine.mode === "hold") return hold ? "hold" : mailbox ? "mailbox" : undefined;
  return mailbox ? "mailbox" : hold ? "hold" : undefined;
}

/**
 * The edits that quarantine a message. The recipients are named in it only where all of it goes into quarantine:
 * anybody else who keeps it would learn of a blind copy.
 */
export function quarantineEdits(
  quarantine: Quarantine,
  way: Quarantine["mode"],
  reason: string,
  smtputf8: boolean,
): Edit[] {
  if (way === "hold") return [{ kind: "quarantine", reason }];
  const named = quarantine.shared ? [] : quarantine.recipients;
  return [
    ...named.map(
      (path): Edit => ({
        kind: "insertHeader",
        index: BELOW_ALL_FIELDS,
        name: "X-SPF-Original-To",
        value: printable(path, smtputf8),
      }),
    ),
    ...quarantine.removed.map((path): Edit => ({ kind: "deleteRecipient", path })),
    ...quarantine.boxes.map((path): Edit => ({ kind: "addRecipient", path })),
  ];
}

/** The edits that tag the Subject; undefined where there are too many. */
export function tagEdits(
  { offered }: ConnectionContext,
  message: Message,
  { tag }: MessageDecision,
): readonly Edit[] | undefined {
  if (tag === undefined) return [];
  return message.fields.tags(tag.text)?.filter(({ kind }) => offered.has(kind));
}
