/**
 * The milter protocol, versions 2 to 6, as Sendmail 8.11 and later and Postfix speak it: a codec and the rules
 * of a session, both without a socket. A filter is a {@link MilterHandler}; a server feeds the bytes of each
 * connection to a {@link MilterSession}.
 */

export * from "./constants.ts";
export {
  type ConnectCommand,
  type EndOfMessageAnswer,
  type HandlerAnswer,
  LATER,
  type MilterHandler,
  type Needs,
  type Offer,
  type OptionalCommand,
} from "./handler.ts";
export { type MacroStage, type Macros, MacroTable } from "./macros.ts";
export { type Negotiated, Negotiator, negotiate, offersEdit } from "./negotiate.ts";
export {
  type CommandKind,
  type Packet,
  PacketDecoder,
  PROTOCOL_ERROR_CODES,
  ProtocolError,
  type ProtocolErrorCode,
} from "./packet.ts";
export {
  ACCEPT,
  CONTINUE,
  type Edit,
  type EndOfMessageResponse,
  encodeEdits,
  encodeResponse,
  headerName,
  headerValue,
  type Response,
  replyText,
  TEMPFAIL,
} from "./responses.ts";
export { MilterSession, type SessionPorts } from "./session.ts";
export type { SessionState } from "./state.ts";
