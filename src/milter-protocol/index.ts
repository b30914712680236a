export {
  type Answer,
  type ConnectCommand,
  type EndOfMessageAnswer,
  type EndOfMessageResponse,
  LATER,
  type MacroStage,
  type MilterHandler,
  type Needs,
  type Offer,
} from "./handler.ts";
export type { Macros } from "./macros.ts";
export { ACCEPT, CONTINUE, type Edit, type Response } from "./response.ts";
// To come with their modules:
//   class MilterSession                                    one connection, no I/O:
//     constructor(handler, { write(bytes): void, pause/resume via `blocked` }, limits?)
//     receive(chunk: Buffer): void                         throws nothing; calls write at most once per event
//     resume(answer: Response | EndOfMessageResponse): void   after LATER
//     end(): void                                          the socket is gone
//     readonly state, readonly error: ProtocolError | undefined
//   class ProtocolError extends Error { code }             one code per malformed shape
//   PacketDecoder, encodeResponse, encodeEdit, decodeCommand … for tests and the load generator
