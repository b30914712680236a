import { MilterSession, PacketDecoder, ProtocolError } from "milter-protocol";
import { decodeFilterPacket, type FilterPacket } from "./mta-codec.ts";
import { RecordingHandler, type Script } from "./recording-handler.ts";

/** A session on a bench: bytes in by hand, and everything that comes out kept. */
export class SessionBench {
  readonly handler: RecordingHandler;
  readonly session: MilterSession;
  /** One entry a write. */
  readonly writes: Buffer[] = [];
  readonly errors: unknown[] = [];
  closed = 0;
  /** What the next writes return. */
  accepts = true;

  constructor(script: Script = {}) {
    this.handler = new RecordingHandler(script);
    this.session = new MilterSession(this.handler, {
      write: (bytes) => {
        this.writes.push(Buffer.from(bytes));
        return this.accepts;
      },
      close: () => {
        this.closed++;
      },
      report: (error) => {
        this.errors.push(error);
      },
    });
  }

  /** Feeds packets in one chunk. */
  feed(...packets: readonly Buffer[]): this {
    this.session.receive(Buffer.concat(packets));
    return this;
  }

  /** The packets written since the last call, decoded. */
  takeReplies(): FilterPacket[] {
    const decoder = new PacketDecoder();
    const replies: FilterPacket[] = [];
    decoder.append(Buffer.concat(this.writes.splice(0)));
    for (let p = decoder.next(); p !== undefined; p = decoder.next()) replies.push(decodeFilterPacket(p));
    if (decoder.pendingOctets > 0) throw new Error("half a packet was written");
    return replies;
  }

  /** Their kinds. */
  takeKinds(): string[] {
    return this.takeReplies().map(({ kind }) => kind);
  }

  /** The calls of the handler since the last call. */
  takeCalls(): string[] {
    return this.handler.calls.splice(0);
  }

  /** The code of the protocol error that ended the session. */
  get code(): string | undefined {
    const error = this.errors[0];
    return error instanceof ProtocolError ? error.code : undefined;
  }
}
