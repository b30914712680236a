import type { CommandKind } from "./command.ts";

/**
 * The rules of a session.
 *
 * 1. SMFIC_OPTNEG comes first. It may come again until an SMTP client is named; the later one holds.
 * 2. CONNECT names the client and comes once for each; QUIT_NC makes room for another. Where CONNECT was
 *    asked for, HELO and MAIL before it are an error: a verdict without a client address means nothing.
 *    Where it was asked away, they stand alone.
 * 3. HELO may come again at any time (EHLO then HELO, STARTTLS). It ends a message in hand, as in SMTP.
 * 4. MAIL begins a message and ends the one in hand.
 * 5. RCPT, DATA, header fields, end of headers, body and end of message belong to a message and come in this
 *    order; RCPT, header fields and body may repeat, all but end of message may be missing.
 * 6. Once a message is decided, its remaining commands are still admitted in any order and hear the same
 *    verdict. End of message ends it, and so do ABORT, HELO and MAIL.
 * 7. ABORT, UNKNOWN and macros are admitted at any time after the negotiation. ABORT without a message in
 *    hand does nothing: Postfix sends one after every message.
 * 8. QUIT is admitted at any time, and nothing comes after it.
 */
export type SessionState =
  /** Nothing was negotiated. */
  | "start"
  /** Negotiated; CONNECT must come next. */
  | "expectsClient"
  /** Negotiated without CONNECT. */
  | "withoutClient"
  /** A client, and no message in hand. */
  | "client"
  /** MAIL was given, recipients may come. */
  | "mail"
  | "data"
  | "headers"
  | "body"
  /** The verdict on the message is known. */
  | "decided"
  /** QUIT, an error, or the socket is gone. */
  | "over";

type Row = Readonly<Partial<Record<CommandKind, SessionState>>>;

/** What may come at any time after the negotiation and changes no state. */
const always = (state: SessionState): Row => ({ macros: state, unknown: state, quit: "over" });

/** What ends a message in hand, or comes between messages. */
const BETWEEN: Row = { helo: "client", mail: "mail", abort: "client", quitNewConnection: "expectsClient" };

const BODY: Row = { body: "body", endOfMessage: "client" };
const HEADERS: Row = { header: "headers", endOfHeaders: "body", ...BODY };

/**
 * State and command to the state that follows where the handler has nothing against it; a missing entry is
 * `command-out-of-order`. The session puts "withoutClient" for "expectsClient" where CONNECT was asked away.
 */
export const TRANSITIONS: Readonly<Record<SessionState, Row>> = {
  start: { negotiate: "expectsClient", quit: "over" },
  expectsClient: {
    ...always("expectsClient"),
    negotiate: "expectsClient",
    connect: "client",
    abort: "expectsClient",
    quitNewConnection: "expectsClient",
  },
  withoutClient: {
    ...always("withoutClient"),
    ...BETWEEN,
    abort: "withoutClient",
    negotiate: "expectsClient",
    connect: "client",
  },
  client: { ...always("client"), ...BETWEEN },
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
    endOfMessage: "client",
  },
  over: {},
};

/** Whether a message is in hand whose verdict is not known. */
export function messageInHand(state: SessionState): boolean {
  return state === "mail" || state === "data" || state === "headers" || state === "body";
}
