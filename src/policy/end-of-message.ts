import { type OctetString, parsePath } from "../address/index.ts";
import { type Cause, isFlagged, type Judgement } from "./judgement.ts";
import { type ActionSettings, type Rule, ruleOf } from "./settings.ts";

/** A recipient that has not been refused; one without an address is for all where recipients are not known. */
export interface RemainingRecipient {
  /** In envelope form: with angle brackets. */
  readonly address: OctetString | undefined;
  readonly actions: ActionSettings;
  readonly judgement: Judgement;
}

/** What is done to a message as a whole. */
export interface MessageDecision {
  /** The whole message is refused, and nothing else is done. */
  readonly refused:
    | { readonly cause: Cause; readonly rule: Rule | undefined; readonly actions: ActionSettings }
    | undefined;
  readonly tag: { readonly text: string; readonly cause: Cause; readonly rule: Rule } | undefined;
  readonly quarantine: Quarantine | undefined;
}

/** How a message is quarantined. */
export interface Quarantine {
  readonly cause: Cause;
  readonly rule: Rule;
  /** hold: the MTA's own quarantine queue. */
  readonly mode: "mailbox" | "hold";
  /** The recipients that get it only out of quarantine; empty where recipients are not known. */
  readonly recipients: readonly OctetString[];
  /** Those of them that are taken off the envelope: all but one that is the quarantine box itself. */
  readonly removed: readonly OctetString[];
  /** The boxes that are added to it, in envelope form: none that stays on it in any case. */
  readonly boxes: readonly OctetString[];
  /** Somebody else keeps the message, who must not learn of the others from it. */
  readonly shared: boolean;
}

const NOTHING: MessageDecision = { refused: undefined, tag: undefined, quarantine: undefined };

type Flagged = RemainingRecipient & { readonly cause: Cause };

/**
 * Decides over the recipients that remain. A message is refused as a whole only where `mayRefuse` says so and no
 * recipient is exempt; else the fail that it would have been refused for is flagged like any other. The Subject,
 * which is one for all, follows those who keep the message, and the quarantined ones only where nobody does.
 */
export function decideAtEndOfMessage(
  remaining: readonly RemainingRecipient[],
  mayRefuse: boolean,
): MessageDecision {
  const first = remaining[0];
  if (first === undefined) return NOTHING;
  if (
    mayRefuse &&
    first.judgement.kind === "refuse" &&
    remaining.every(({ judgement }) => judgement.kind === "refuse")
  ) {
    const { judgement, actions } = first;
    const rule = judgement.option === undefined ? undefined : ruleOf(actions, judgement.option);
    return { ...NOTHING, refused: { cause: judgement.cause, rule, actions } };
  }
  const flagged = remaining.flatMap((recipient) => {
    const { judgement } = recipient;
    return judgement.kind !== "deliver" && isFlagged(judgement.cause)
      ? [{ ...recipient, cause: judgement.cause }]
      : [];
  });
  if (flagged.length === 0) return NOTHING;
  const quarantined = flagged.filter(({ actions }) => actions.quarantine);
  const keepers = remaining.length - quarantined.length;
  return {
    refused: undefined,
    tag: tagOf(keepers > 0 ? flagged.filter(({ actions }) => !actions.quarantine) : flagged),
    quarantine: quarantineOf(quarantined, remaining, keepers > 0),
  };
}

function tagOf(flagged: readonly Flagged[]): MessageDecision["tag"] {
  const wanting = flagged.find(({ actions }) => actions.tagSubject);
  if (wanting === undefined) return undefined;
  const { actions, cause } = wanting;
  return { text: actions.tag, cause, rule: ruleOf(actions, "TagSubject") };
}

function quarantineOf(
  quarantined: readonly Flagged[],
  remaining: readonly RemainingRecipient[],
  shared: boolean,
): Quarantine | undefined {
  const first = quarantined[0];
  if (first === undefined) return undefined;
  const hold = !shared && quarantined.every(({ actions }) => actions.quarantineMode === "hold");
  const known = quarantined.filter((recipient) => recipient.address !== undefined);
  const boxOf = ({ actions }: Flagged): OctetString => `<${actions.quarantineBox.replace(/^<|>$/g, "")}>`;
  const outside = known.filter((recipient) => !isSameMailbox(recipient.address ?? "", boxOf(recipient)));
  const removed = new Set(outside.map(({ address }) => address ?? ""));
  // MTAs deliver twice to an address that is added to the envelope a second time.
  const staying = unique(remaining.map(({ address }) => address ?? "")).filter(
    (address) => !removed.has(address),
  );
  return {
    cause: first.cause,
    rule: ruleOf(first.actions, "Quarantine"),
    mode: hold ? "hold" : "mailbox",
    recipients: unique(known.map(({ address }) => address ?? "")),
    removed: [...removed],
    boxes: unique(outside.map(boxOf)).filter(
      (box) => !staying.some((address) => isSameMailbox(address, box)),
    ),
    shared,
  };
}

function unique(values: readonly OctetString[]): OctetString[] {
  return [...new Set(values)];
}

/** Whether two envelope addresses spell one mailbox; the case of a local part does not make two of it here. */
function isSameMailbox(a: OctetString, b: OctetString): boolean {
  const [left, right] = [mailboxOf(a), mailboxOf(b)];
  return left !== undefined && left === right;
}

function mailboxOf(argument: OctetString): string | undefined {
  const path = parsePath(argument, { relaxedLocalPart: true });
  return path.kind === "mailbox" ? `${path.localPart}@${path.domain}`.toLowerCase() : undefined;
}
