import {
  REPLY_LINES_MAX,
  SMFI_PROT_VERSION,
  SMFIC_OPTNEG,
  SMFIF_ADDHDRS,
  SMFIF_ADDRCPT,
  SMFIF_ADDRCPT_PAR,
  SMFIF_CHGBODY,
  SMFIF_CHGFROM,
  SMFIF_CHGHDRS,
  SMFIF_DELRCPT,
  SMFIF_QUARANTINE,
  SMFIF_SETSYMLIST,
  SMFIM_CONNECT,
  SMFIM_DATA,
  SMFIM_ENVFROM,
  SMFIM_ENVRCPT,
  SMFIM_EOH,
  SMFIM_EOM,
  SMFIM_HELO,
  SMFIP_NOBODY,
  SMFIP_NOCONNECT,
  SMFIP_NODATA,
  SMFIP_NOEOH,
  SMFIP_NOHDRS,
  SMFIP_NOHELO,
  SMFIP_NORCPT,
  SMFIP_NOUNKNOWN,
  SMFIP_NR_BODY,
  SMFIP_NR_CONN,
  SMFIP_NR_DATA,
  SMFIP_NR_EOH,
  SMFIP_NR_HDR,
  SMFIP_NR_HELO,
  SMFIP_NR_RCPT,
  SMFIP_NR_UNKN,
  SMFIP_RCPT_REJ,
} from "./constants.ts";
import type { Needs, Offer, OptionalCommand } from "./handler.ts";
import type { MacroStage } from "./macros.ts";
import { type CommandKind, FieldNames } from "./packet.ts";
import type { Edit, ResponseTerms } from "./responses.ts";

/** What an MTA and the filter have agreed on. */
export interface Negotiated extends ResponseTerms {
  readonly version: number;
  /** SMFIF_ bits asked for. */
  readonly actions: number;
  /** SMFIP_ bits asked for. */
  readonly protocol: number;
  /** The commands that the handler wants. */
  readonly wanted: ReadonlySet<CommandKind>;
  /** The header fields that the handler wants; undefined for all. */
  readonly fields: FieldNames | undefined;
  /** The commands after which the MTA does not wait for a reply. */
  readonly unanswered: ReadonlySet<CommandKind>;
  /** The SMFIC_OPTNEG packet to send; shared, not to be written to. */
  readonly reply: Buffer;
}

interface CommandBits {
  readonly kind: OptionalCommand;
  /** SMFIP_NO…: do not send it. */
  readonly no: number;
  /** SMFIP_NR_…: do not wait after it. */
  readonly nr: number;
}

const COMMANDS: readonly CommandBits[] = [
  { kind: "connect", no: SMFIP_NOCONNECT, nr: SMFIP_NR_CONN },
  { kind: "helo", no: SMFIP_NOHELO, nr: SMFIP_NR_HELO },
  { kind: "rcpt", no: SMFIP_NORCPT, nr: SMFIP_NR_RCPT },
  { kind: "data", no: SMFIP_NODATA, nr: SMFIP_NR_DATA },
  { kind: "header", no: SMFIP_NOHDRS, nr: SMFIP_NR_HDR },
  { kind: "endOfHeaders", no: SMFIP_NOEOH, nr: SMFIP_NR_EOH },
  { kind: "unknown", no: SMFIP_NOUNKNOWN, nr: SMFIP_NR_UNKN },
  { kind: "body", no: SMFIP_NOBODY, nr: SMFIP_NR_BODY },
];

const ACTIONS: Readonly<Record<Edit["kind"], number>> = {
  addHeader: SMFIF_ADDHDRS,
  insertHeader: SMFIF_ADDHDRS,
  changeHeader: SMFIF_CHGHDRS,
  addRecipient: SMFIF_ADDRCPT,
  deleteRecipient: SMFIF_DELRCPT,
  changeSender: SMFIF_CHGFROM,
  replaceBody: SMFIF_CHGBODY,
  quarantine: SMFIF_QUARANTINE,
};

/**
 * The macro lists of a reply, in the order they are sent. Sendmail looks for the list of end of message only
 * where one for end of headers has come, so every stage gets its list, empty ones too: an empty list saves
 * the macro packet of that stage (Postfix then keeps to its own list).
 */
const SYMBOL_LISTS: readonly (readonly [MacroStage, number])[] = [
  ["connect", SMFIM_CONNECT],
  ["helo", SMFIM_HELO],
  ["mail", SMFIM_ENVFROM],
  ["rcpt", SMFIM_ENVRCPT],
  ["data", SMFIM_DATA],
  ["endOfMessage", SMFIM_EOM],
  ["endOfHeaders", SMFIM_EOH],
];

/** Whether an MTA offers to carry out an edit. A handler asks this in `negotiate` to know what it must do without. */
export function offersEdit(offer: Offer, kind: Edit["kind"]): boolean {
  return (offer.actions & ACTIONS[kind]) !== 0;
}

/**
 * Answers an offer with the least that serves the needs, and never with what was not offered: Sendmail drops
 * a filter that asks for more. SMFIP_NR_ bits and macro lists exist from version 6 on; an older MTA gets the
 * three words it knows.
 *
 * SMFIP_HDR_LEADSPC is not asked for. Without it an MTA takes the space after the colon off what it sends
 * and puts it before what it is given, so that values mean the same with MTAs of every version.
 */
export function negotiate(offer: Offer, needs: Needs): Negotiated {
  const version = Math.min(offer.version, SMFI_PROT_VERSION);
  const modern = version >= 6;
  const available = new Set([...needs.edits].filter((kind) => offersEdit(offer, kind)));
  const listed = modern && (offer.actions & SMFIF_SETSYMLIST) !== 0;
  let actions = listed ? SMFIF_SETSYMLIST : 0;
  for (const kind of available) actions |= ACTIONS[kind];
  if (available.has("addRecipient")) actions |= offer.actions & SMFIF_ADDRCPT_PAR;

  // SMFIR_INSHEADER and replies of several lines came with quarantining in Sendmail 8.13, still version 2.
  const since813 = version > 2 || (offer.actions & SMFIF_QUARANTINE) !== 0;
  const protocol = protocolBits(offer.protocol, needs, modern);
  return {
    version,
    actions,
    protocol,
    edits: available,
    insertsHeaders: since813,
    replyLinesMax: since813 ? REPLY_LINES_MAX : 1,
    wanted: new Set<CommandKind>([
      "mail",
      "endOfMessage",
      ...COMMANDS.filter(({ kind }) => needs.wants.has(kind)).map(({ kind }) => kind),
    ]),
    fields: needs.fields === undefined ? undefined : new FieldNames(needs.fields),
    unanswered: new Set(COMMANDS.filter(({ nr }) => (protocol & nr) !== 0).map(({ kind }) => kind)),
    reply: encodeReply(version, actions, protocol, listed ? needs.macros : undefined),
  };
}

function protocolBits(offered: number, needs: Needs, modern: boolean): number {
  let bits = needs.rejectedRecipients && modern ? offered & SMFIP_RCPT_REJ : 0;
  for (const { kind, no, nr } of COMMANDS) {
    const wanted = needs.wants.has(kind);
    if (!wanted && (offered & no) !== 0) bits |= no;
    else if (modern && !(wanted && needs.answers.has(kind))) bits |= offered & nr;
  }
  return bits;
}

function encodeReply(
  version: number,
  actions: number,
  protocol: number,
  macros: Needs["macros"] | undefined,
): Buffer {
  const head = Buffer.alloc(17);
  head[4] = SMFIC_OPTNEG;
  head.writeUInt32BE(version, 5);
  head.writeUInt32BE(actions, 9);
  head.writeUInt32BE(protocol, 13);
  const lists = macros === undefined ? [] : SYMBOL_LISTS.map(([stage, id]) => symbolList(id, macros[stage]));
  const packet = Buffer.concat([head, ...lists]);
  packet.writeUInt32BE(packet.length - 4, 0);
  return packet;
}

function symbolList(id: number, names: readonly string[] = []): Buffer {
  const text = Buffer.from(`${names.join(" ")}\0`, "latin1");
  const list = Buffer.allocUnsafe(4 + text.length);
  list.writeUInt32BE(id, 0);
  text.copy(list, 4);
  return list;
}

/** Answers offers for one server: an MTA offers the same each time, so the last answer is kept. */
export class Negotiator {
  #offer: Offer | undefined;
  #needs: Needs | undefined;
  #answer: Negotiated | undefined;

  /** See {@link negotiate}; handlers do well to return the same needs object each time. */
  negotiate(offer: Offer, needs: Needs): Negotiated {
    const last = this.#offer;
    if (
      this.#answer === undefined ||
      this.#needs !== needs ||
      last?.version !== offer.version ||
      last.actions !== offer.actions ||
      last.protocol !== offer.protocol
    ) {
      this.#answer = negotiate(offer, needs);
      this.#offer = offer;
      this.#needs = needs;
    }
    return this.#answer;
  }
}
