import { BACKLOG_BYTES_MAX, BACKLOG_PAUSE_BYTES, REPLY_BATCH_BYTES } from "./constants.ts";
import { Dialogue } from "./dialogue.ts";
import type { EndOfMessageResponse, MilterHandler } from "./handler.ts";
import { PacketDecoder } from "./packet-decoder.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Response } from "./response.ts";
import { Speaker } from "./speaker.ts";
import type { SessionState } from "./transitions.ts";

/** The outside of a session. None of these may throw. */
export interface SessionPorts {
  /**
   * Takes bytes for the MTA; they must not be changed. False asks the session to stop until
   * {@link MilterSession.drained} is called, because the MTA reads too slowly.
   */
  write(bytes: Buffer): boolean;
  /** The session is over; what was written may still be delivered. Called at most once. */
  close(): void;
  /** What went wrong, once each: a {@link ProtocolError}, or whatever a handler has thrown. */
  report(error: unknown): void;
}

/**
 * One milter connection without its socket: bytes in, handler calls and replies out. The rules are those of
 * {@link TRANSITIONS}; besides:
 *
 * - Every command that the MTA waits after gets exactly one reply, others none. A command that the handler
 *   does not want and that comes all the same is answered "continue".
 * - A verdict on the connection (given at CONNECT or HELO) holds for all its messages, one on the message for
 *   the rest of it; the handler is not asked again. It is spoken at every stage that is answered. Where the
 *   stage at which it was given is not answered, the next answered one is the first to hear it.
 * - A refusal at RCPT is for that recipient and ends nothing.
 * - What one chunk brings is answered in one write.
 * - A handler that throws costs its message a temporary failure (its connection, where that happens at
 *   CONNECT, HELO or negotiation), and nothing else.
 */
export class MilterSession {
  readonly #ports: SessionPorts;
  readonly #decoder = new PacketDecoder();
  readonly #speaker: Speaker;
  readonly #dialogue: Dialogue;
  #running = false;
  #choked = false;
  /** QUIT, an error, or the socket is gone: nothing is read or asked any more. */
  #over = false;
  /** The socket is closed, or was asked to be. */
  #closed = false;

  constructor(handler: MilterHandler, ports: SessionPorts) {
    this.#ports = ports;
    this.#speaker = new Speaker(ports);
    this.#dialogue = new Dialogue(handler, this.#speaker, ports);
  }

  get state(): SessionState {
    return this.#over ? "over" : this.#dialogue.state;
  }

  /** Whether an answer of the handler is outstanding. */
  get waiting(): boolean {
    return !this.#over && this.#dialogue.waiting;
  }

  /** Whether the MTA is in the middle of a message that it has not heard the verdict of. */
  get busy(): boolean {
    return !this.#over && this.#dialogue.busy;
  }

  /** Octets of memory, roughly, that the connection holds for what is not finished; to be looked at after each call. */
  get heldBytes(): number {
    if (this.#over) return 0;
    return this.#decoder.heldBytes + this.#dialogue.heldBytes + this.#speaker.bytes;
  }

  /** Whether the reader of the socket should pause; to be looked at after each call. */
  get blocked(): boolean {
    return this.#choked || (this.#decoder.pendingBytes >= BACKLOG_PAUSE_BYTES && this.#dialogue.waiting);
  }

  /** Takes what the socket has read, split anywhere. The chunk must not be written to afterwards. */
  receive(chunk: Buffer): void {
    if (this.#over) return;
    this.#decoder.append(chunk);
    this.#run();
    if (this.#decoder.pendingBytes > BACKLOG_BYTES_MAX) {
      this.#fail(new ProtocolError("backlog-too-long"));
      this.#run();
    }
  }

  /**
   * The answer after {@link LATER}. Without effect once the session is over; where no answer is outstanding
   * it is reported as an error and otherwise ignored.
   */
  resume(answer: Response | EndOfMessageResponse): void {
    if (!this.#over && this.#dialogue.resume(answer)) this.#run();
  }

  /** The MTA reads again, after {@link SessionPorts.write} has returned false. */
  drained(): void {
    this.#choked = false;
    this.#run();
  }

  /** The socket is gone, or is to be closed by our side. */
  end(): void {
    this.#closed = true;
    if (!this.#over) this.#finish();
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    do {
      while (!this.#dialogue.waiting && !this.#choked && !this.#over) {
        if (!this.#step()) break;
        if (this.#speaker.bytes >= REPLY_BATCH_BYTES) this.#flush();
      }
    } while (this.#flush());
    this.#running = false;
    if (this.#over && !this.#closed) {
      this.#closed = true;
      this.#ports.close();
    }
  }

  /** Handles one packet; false where none is whole. */
  #step(): boolean {
    try {
      const packet = this.#decoder.next();
      if (packet === undefined) return false;
      this.#dialogue.hear(packet);
      if (this.#dialogue.state === "over") this.#finish();
    } catch (error) {
      this.#fail(error);
    }
    return true;
  }

  /** Writes what there is; false where there was nothing. */
  #flush(): boolean {
    const bytes = this.#speaker.take();
    if (bytes === undefined) return false;
    if (!this.#ports.write(bytes)) this.#choked = true;
    return true;
  }

  #fail(error: unknown): void {
    this.#ports.report(error);
    this.#finish();
  }

  #finish(): void {
    this.#over = true;
    this.#dialogue.close();
  }
}
