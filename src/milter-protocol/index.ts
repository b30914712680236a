/**
 * The milter protocol, versions 2 to 6, as Sendmail 8.11 and later and Postfix speak it: a codec and the rules
 * of a session, both without a socket. A filter is a {@link MilterHandler}; a server feeds the bytes of each
 * connection to a {@link MilterSession}.
 */
export type { CommandKind } from "./command.ts";
export * from "./constants.ts";
export { encodeEdits, headerName, headerValue } from "./encode-edit.ts";
export { encodeResponse, encodeSignal } from "./encode-response.ts";
export {
  type Answer,
  type ConnectCommand,
  type EndOfMessageAnswer,
  type EndOfMessageResponse,
  LATER,
  type MilterHandler,
  type Needs,
  type Offer,
  type OptionalCommand,
} from "./handler.ts";
export { type MacroStage, type Macros, MacroTable } from "./macros.ts";
export { type Negotiated, negotiate, offeredEdits } from "./negotiate.ts";
export { type Packet, PacketDecoder } from "./packet-decoder.ts";
export { PROTOCOL_ERROR_CODES, ProtocolError, type ProtocolErrorCode } from "./protocol-error.ts";
export { replyText } from "./reply-text.ts";
export { ACCEPT, CONTINUE, type Edit, type Response, type Signal, TEMPFAIL } from "./response.ts";
export { MilterSession, type SessionPorts } from "./session.ts";
export type { SessionState } from "./transitions.ts";
