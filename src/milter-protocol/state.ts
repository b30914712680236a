import type { CommandKind } from "./packet.ts";
import type { Response } from "./responses.ts";

/**
 * The rules of a session.
 *
 * 1. SMFIC_OPTNEG comes first. It may come again until an SMTP client is named; the later one holds.
 * 2. CONNECT names the client and comes once for each; QUIT_NC makes room for another. Where CONNECT was
 *    asked for, HELO and MAIL before it are an error: a result without a client address means nothing.
 *    Where it was declined, they come without it.
 * 3. HELO may come again at any time (EHLO then HELO, STARTTLS). It ends the message, as in SMTP.
 * 4. MAIL begins a message and ends the one before.
 * 5. RCPT, DATA, header fields, end of headers, body and end of message belong to a message and come in this
 *    order; RCPT, header fields and body may repeat, all but end of message may be missing.
 * 6. Once a message is decided, its remaining commands are still admitted in any order and get the same
 *    response. End of message ends it, and so do ABORT, HELO and MAIL.
 * 7. ABORT, UNKNOWN and macros are admitted at any time after the negotiation. ABORT without a message
 *    does nothing: Postfix sends one after every message.
 * 8. QUIT is admitted at any time, and nothing comes after it.
 */
export type SessionState =
  /** Nothing was negotiated. */
  | "start"
  /** Negotiated; CONNECT must come next. */
  | "awaitingConnect"
  /** Negotiated without CONNECT. */
  | "connectSkipped"
  /** A client, and no message. */
  | "connected"
  /** MAIL was given, recipients may come. */
  | "mail"
  | "data"
  | "headers"
  | "body"
  /** The message is decided. */
  | "decided"
  /** QUIT, an error, or the socket is gone. */
  | "over";

type Row = Readonly<Partial<Record<CommandKind, SessionState>>>;

/** What may come at any time after the negotiation and changes no state. */
const always = (state: SessionState): Row => ({ macros: state, unknown: state, quit: "over" });

/** What ends a message, or comes between messages. */
const BETWEEN: Row = {
  helo: "connected",
  mail: "mail",
  abort: "connected",
  quitNewConnection: "awaitingConnect",
};

const BODY: Row = { body: "body", endOfMessage: "connected" };
const HEADERS: Row = { header: "headers", endOfHeaders: "body", ...BODY };

/**
 * State and command to the state that follows where the handler has nothing against it; a missing entry is
 * `command-out-of-order`. The session puts "connectSkipped" for "awaitingConnect" where CONNECT was declined.
 */
export const TRANSITIONS: Readonly<Record<SessionState, Row>> = {
  start: { negotiate: "awaitingConnect", quit: "over" },
  awaitingConnect: {
    ...always("awaitingConnect"),
    negotiate: "awaitingConnect",
    connect: "connected",
    abort: "awaitingConnect",
    quitNewConnection: "awaitingConnect",
  },
  connectSkipped: {
    ...always("connectSkipped"),
    ...BETWEEN,
    abort: "connectSkipped",
    negotiate: "awaitingConnect",
    connect: "connected",
  },
  connected: { ...always("connected"), ...BETWEEN },
  mail: { ...always("mail"), ...BETWEEN, rcpt: "mail", data: "data", ...HEADERS },
  data: { ...always("data"), ...BETWEEN, ...HEADERS },
  headers: { ...always("headers"), ...BETWEEN, ...HEADERS },
  body: { ...always("body"), ...BETWEEN, ...BODY },
  decided: {
    ...always("decided"),
    ...BETWEEN,
    rcpt: "decided",
    data: "decided",
    header: "decided",
    endOfHeaders: "decided",
    body: "decided",
    endOfMessage: "connected",
  },
  over: {},
};

/** Whether there is a message that is not decided. */
export function isMessageOpen(state: SessionState): boolean {
  return state === "mail" || state === "data" || state === "headers" || state === "body";
}

/** The responses that hold from now on: for the connection, and for the present message. */
export class StandingResponse {
  #connection: Response | undefined;
  #message: Response | undefined;
  #isTold = false;

  /** The reply to every further command of the message, or of the connection. */
  get current(): Response | undefined {
    return this.#message ?? this.#connection;
  }

  /** Whether the message is decided and the MTA has not been told. */
  get isUntold(): boolean {
    return this.#message !== undefined && !this.#isTold;
  }

  /**
   * Takes the answer to a command; true where it decides the message. At CONNECT and HELO it is for the
   * connection, and a refusal at RCPT is for that recipient only.
   */
  take(stage: CommandKind, response: Response): boolean {
    if (response.kind === "continue" || this.#message !== undefined) return false;
    if (stage === "connect" || stage === "helo") {
      this.#connection = response;
      return false;
    }
    if (stage === "rcpt" && response.kind !== "accept" && response.kind !== "discard") return false;
    this.decideMessage(response);
    return true;
  }

  decideMessage(response: Response): void {
    this.#message = response;
    this.#isTold = false;
  }

  /** The MTA has been told. */
  told(response: Response): void {
    if (response === this.#message) this.#isTold = true;
  }

  endMessage(): void {
    this.#message = undefined;
  }

  endConnection(): void {
    this.#message = undefined;
    this.#connection = undefined;
  }
}
