import type { MacroStage, Macros } from "./macros.ts";
import type { Edit, EndOfMessageResponse, Response } from "./responses.ts";

/** What the MTA offers in SMFIC_OPTNEG. */
export interface Offer {
  readonly version: number;
  /** SMFIF_ bits. */
  readonly actions: number;
  /** SMFIP_ bits. */
  readonly protocol: number;
}

/** The commands that a filter may do without. */
export type OptionalCommand =
  | "connect"
  | "helo"
  | "rcpt"
  | "data"
  | "header"
  | "endOfHeaders"
  | "unknown"
  | "body";

/** What a filter needs of the MTA; the negotiation turns it into SMFIF_ and SMFIP_ bits and symbol lists. */
export interface Needs {
  /** Edits that may be made at end of message: SMFIF_ADDHDRS, CHGHDRS, ADDRCPT, DELRCPT, QUARANTINE. */
  readonly edits: ReadonlySet<Edit["kind"]>;
  /** Commands to receive; the others are declined with SMFIP_NO…. MAIL and end of message always come. */
  readonly wants: ReadonlySet<OptionalCommand>;
  /** Of those, the ones that are answered; the others get SMFIP_NR_… where it is offered. */
  readonly answers: ReadonlySet<OptionalCommand>;
  /** The names of the header fields that are wanted, in lower case; all where absent. The rest are not decoded. */
  readonly fields?: ReadonlySet<string>;
  /** Also see recipients that the MTA itself refused (SMFIP_RCPT_REJ). */
  readonly rejectedRecipients: boolean;
  /** Macro names wanted at each stage, e.g. `{auth_authen}`; an absent stage gets an empty list. */
  readonly macros: Partial<Record<MacroStage, readonly string[]>>;
}

/** SMFIC_CONNECT. Strings are octet strings throughout. */
export interface ConnectCommand {
  /** The host name as the MTA resolved it, or `[address]`. */
  readonly hostname: string;
  /** `unknown` (U), `unix` (L), `inet` (4), `inet6` (6). */
  readonly family: "unknown" | "unix" | "inet" | "inet6";
  readonly port: number;
  /** As sent; Sendmail puts `IPv6:` before an IPv6 address. Empty for an unknown family. */
  readonly address: string;
}

/** The answer comes later, in another tick, through {@link MilterSession.resume}. */
export const LATER: unique symbol = Symbol("later");

/** What a handler answers to a command: at once, or {@link LATER}. */
export type HandlerAnswer = Response | typeof LATER;

/** What a handler answers at end of message. */
export type EndOfMessageAnswer = EndOfMessageResponse | typeof LATER;

/**
 * The filter's side of one milter connection. The session calls each method in protocol order, never two at
 * a time, never one while an answer is outstanding (but {@link close}, which may come at any moment).
 * An answer for a stage that was negotiated without reply is dropped, unless the message is over:
 * the session then keeps it and sends it at the next stage that is answered.
 * Once the message is decided (by anything but "continue", at RCPT by "accept" or "discard" only) the handler is
 * not asked about the rest of it, nor, after such an answer to CONNECT or HELO, about the rest of the connection.
 */
export interface MilterHandler {
  /**
   * Octets of memory, roughly, that the handler holds of the present message. Where it is absent, everything that the
   * handler was told of the message counts.
   */
  readonly heldOctets?: number;
  /**
   * Asked before anything else; again only where the MTA negotiates again before it names a client. The same
   * object for the same settings lets the answer to the MTA be precomputed. An MTA may offer less than is
   * needed: `offersEdit` tells which edits it carries out, others are left out with an error report.
   */
  negotiate(offer: Offer): Needs;
  connect(command: ConnectCommand, macros: Macros): HandlerAnswer;
  /** A second HELO (STARTTLS, EHLO then HELO) replaces the first. */
  helo(name: string, macros: Macros): HandlerAnswer;
  /** `path` is the first argument as sent, `parameters` the ESMTP parameters after it. */
  mail(path: string, parameters: readonly string[], macros: Macros): HandlerAnswer;
  rcpt(path: string, parameters: readonly string[], macros: Macros): HandlerAnswer;
  /**
   * A field of the message, in order. The value is as the MTA gives it: without the space after the colon,
   * LF between the lines of a folded field.
   */
  header(name: string, value: string): HandlerAnswer;
  /** Edits are made where the final answer is "continue" or "accept". */
  endOfMessage(macros: Macros): EndOfMessageAnswer;
  /** The message is over without a verdict (SMFIC_ABORT, or MAIL or HELO in the middle of it, or an error). */
  abort(): void;
  /** SMFIC_QUIT_NC: the same socket goes on with another SMTP client. */
  newConnection(): void;
  /** The last call, however the connection ended; what is under way is cancelled. */
  close(): void;
}
