import {
  type CommandKind,
  commandKind,
  decodeConnect,
  decodeEnvelope,
  decodeHeader,
  decodeMacros,
  decodeOffer,
  decodeString,
  type MessageCommandKind,
} from "./command.ts";
import {
  BACKLOG_BYTES_MAX,
  BACKLOG_PAUSE_BYTES,
  KEPT_COMMAND_BYTES,
  REPLY_BATCH_BYTES,
} from "./constants.ts";
import {
  type Answer,
  type EndOfMessageAnswer,
  type EndOfMessageResponse,
  LATER,
  type MilterHandler,
  type Offer,
} from "./handler.ts";
import { MacroTable } from "./macros.ts";
import { type Negotiated, negotiate } from "./negotiate.ts";
import { PacketDecoder, type ReceivedPacket } from "./packet-decoder.ts";
import { ProtocolError } from "./protocol-error.ts";
import { CONTINUE, type Response, TEMPFAIL } from "./response.ts";
import { Speaker } from "./speaker.ts";
import { messageInHand, type SessionState, TRANSITIONS } from "./transitions.ts";
import { Verdicts } from "./verdicts.ts";

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
  readonly #handler: MilterHandler;
  readonly #ports: SessionPorts;
  readonly #decoder = new PacketDecoder();
  readonly #macros = new MacroTable();
  #state: SessionState = "start";
  #terms: Negotiated | undefined;
  /** The stage whose answer is outstanding. */
  #waiting: CommandKind | undefined;
  /** An answer given to {@link resume} before the handler had returned LATER. */
  #early: Response | EndOfMessageResponse | undefined;
  /** What the handler is being asked about. */
  #asking: CommandKind | undefined;
  /** What the handler may hold of the message in hand. */
  #messageBytes = 0;
  #running = false;
  #choked = false;
  /** QUIT, an error, or the socket is gone: nothing is read or asked any more. */
  #over = false;
  /** The socket is closed, or was asked to be. */
  #closed = false;
  readonly #verdicts = new Verdicts();
  readonly #speaker: Speaker;

  constructor(handler: MilterHandler, ports: SessionPorts) {
    this.#handler = handler;
    this.#ports = ports;
    this.#speaker = new Speaker(ports);
  }

  get state(): SessionState {
    return this.#over ? "over" : this.#state;
  }

  /** Whether an answer of the handler is outstanding. */
  get waiting(): boolean {
    return this.#waiting !== undefined && !this.#over;
  }

  /** Whether the MTA is in the middle of a message that it has not heard the verdict of. */
  get busy(): boolean {
    if (this.#over) return false;
    return this.#waiting !== undefined || messageInHand(this.#state) || this.#verdicts.unheard;
  }

  /** Octets of memory, roughly, that the connection holds for what is not finished; to be looked at after each call. */
  get heldBytes(): number {
    if (this.#over) return 0;
    return this.#decoder.heldBytes + this.#macros.heldBytes + this.#messageBytes + this.#speaker.bytes;
  }

  /** Whether the reader of the socket should pause; to be looked at after each call. */
  get blocked(): boolean {
    return this.#choked || (this.#waiting !== undefined && this.#decoder.pendingBytes >= BACKLOG_PAUSE_BYTES);
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
    if (this.#over) return;
    if (this.#asking !== undefined) {
      this.#early = answer;
      return;
    }
    const stage = this.#waiting;
    if (stage === undefined) {
      this.#ports.report(new Error("resume without an outstanding answer"));
      return;
    }
    this.#waiting = undefined;
    this.#settle(stage, answer);
    this.#run();
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
      while (this.#waiting === undefined && !this.#choked && !this.#over) {
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
      this.#admit(packet);
    } catch (error) {
      this.#caught(error);
    }
    return true;
  }

  #admit(packet: ReceivedPacket): void {
    const kind = commandKind(packet);
    const next = TRANSITIONS[this.#state][kind];
    if (next === undefined) {
      throw new ProtocolError(
        this.#state === "start" ? "negotiation-missing" : "command-out-of-order",
        `${kind} in state ${this.#state}`,
      );
    }
    // Every kind is decoded where it is used: one type for all of them would make every look at it slow.
    switch (kind) {
      case "macros": {
        const { stage, text } = decodeMacros(packet.text);
        this.#macros.put(stage, text);
        return;
      }
      case "negotiate":
        this.#negotiate(decodeOffer(packet.payload));
        return;
      case "quit":
        this.#finish();
        return;
      case "abort":
        this.#leaveMessage();
        this.#macros.endMessage();
        this.#state = next;
        return;
      case "quitNewConnection":
        this.#newConnection();
        return;
      case "unknown":
        decodeString(packet.text, kind);
        this.#speak(kind, CONTINUE);
        return;
      case "connect":
      case "helo":
      case "mail":
        this.#open(kind, packet.text, next);
        return;
      default:
        this.#goOn(kind, packet, next);
    }
  }

  /** What ends a message in hand, or begins one. */
  #open(kind: "connect" | "helo" | "mail", text: string, next: SessionState): void {
    switch (kind) {
      case "connect": {
        const client = decodeConnect(text);
        this.#enter(kind, next);
        if (this.#asks(kind)) this.#answered(kind, this.#handler.connect(client, this.#macros));
        return;
      }
      case "helo": {
        const name = decodeString(text, kind);
        this.#enter(kind, next);
        if (this.#asks(kind)) this.#answered(kind, this.#handler.helo(name, this.#macros));
        return;
      }
      case "mail": {
        const { path, parameters } = decodeEnvelope(text, kind);
        this.#enter(kind, next);
        if (this.#asks(kind)) this.#answered(kind, this.#handler.mail(path, parameters, this.#macros));
      }
    }
  }

  #enter(kind: "connect" | "helo" | "mail", next: SessionState): void {
    this.#leaveMessage();
    this.#macros.enter(kind);
    this.#state = next;
  }

  /** What belongs to a message. */
  #goOn(kind: MessageCommandKind, packet: ReceivedPacket, next: SessionState): void {
    switch (kind) {
      case "rcpt": {
        const { path, parameters } = decodeEnvelope(packet.text, kind);
        this.#macros.enter(kind);
        this.#state = next;
        if (!this.#asks(kind)) return;
        this.#keep(packet);
        this.#answered(kind, this.#handler.rcpt(path, parameters, this.#macros));
        return;
      }
      case "header":
        this.#header(packet, next);
        return;
      case "data":
      case "endOfHeaders":
        this.#macros.enter(kind);
        this.#state = next;
        this.#settle(kind, this.#verdicts.standing ?? CONTINUE);
        return;
      case "body":
        this.#state = next;
        this.#settle(kind, this.#verdicts.standing ?? CONTINUE);
        return;
      case "endOfMessage":
        this.#macros.enter(kind);
        if (this.#asks(kind)) this.#answered(kind, this.#handler.endOfMessage(this.#macros));
    }
  }

  #header(packet: ReceivedPacket, next: SessionState): void {
    const kind = "header";
    if (this.#terms?.fields !== undefined && !packet.isField(this.#terms.fields)) {
      this.#state = next;
      if (!this.#terms.unanswered.has(kind)) this.#settle(kind, this.#verdicts.standing ?? CONTINUE);
      return;
    }
    const { name, value } = decodeHeader(packet.text);
    this.#state = next;
    if (!this.#asks(kind)) return;
    this.#keep(packet);
    this.#answered(kind, this.#handler.header(name, value));
  }

  #keep(packet: ReceivedPacket): void {
    this.#messageBytes += KEPT_COMMAND_BYTES + 2 * packet.size;
  }

  #negotiate(offer: Offer): void {
    this.#terms = negotiate(offer, this.#handler.negotiate(offer));
    this.#awaitClient();
    this.#speaker.agree(this.#terms);
  }

  #newConnection(): void {
    this.#leaveMessage();
    this.#macros.clear();
    this.#verdicts.endConnection();
    this.#awaitClient();
    this.#handler.newConnection();
  }

  #awaitClient(): void {
    this.#state = this.#terms?.wanted.has("connect") === true ? "expectsClient" : "withoutClient";
  }

  /** A message in hand is over without a verdict; one that is decided is forgotten. */
  #leaveMessage(): void {
    this.#messageBytes = 0;
    this.#verdicts.endMessage();
    if (messageInHand(this.#state)) this.#handler.abort();
  }

  /**
   * Whether the handler is to be asked about a command, and its answer to be given to {@link #answered}. Else the
   * verdict that stands, or "continue", is the answer.
   */
  #asks(kind: CommandKind): boolean {
    const { standing } = this.#verdicts;
    if (standing === undefined && this.#terms?.wanted.has(kind) === true) {
      this.#asking = kind;
      return true;
    }
    this.#settle(kind, standing ?? CONTINUE);
    return false;
  }

  #answered(kind: CommandKind, answer: Answer | EndOfMessageAnswer): void {
    this.#asking = undefined;
    const early = this.#early;
    this.#early = undefined;
    if (answer !== LATER) this.#settle(kind, answer);
    else if (early !== undefined) this.#settle(kind, early);
    else this.#waiting = kind;
  }

  /** The handler has thrown where it was asked; anything else ends the session. */
  #caught(error: unknown): void {
    const asking = this.#asking;
    this.#asking = undefined;
    if (asking === undefined) {
      this.#fail(error);
      return;
    }
    this.#ports.report(error);
    try {
      this.#giveUp(asking);
    } catch (another) {
      this.#fail(another);
    }
  }

  /** The handler has thrown at this stage: a temporary failure of the message, and it forgets the message. */
  #giveUp(stage: CommandKind): void {
    this.#early = undefined;
    const inMessage = messageInHand(this.#state);
    if (inMessage && stage !== "endOfMessage") {
      this.#verdicts.decideMessage(TEMPFAIL);
      this.#state = "decided";
    }
    this.#settle(stage, TEMPFAIL);
    if (inMessage) this.#handler.abort();
  }

  /** Takes the answer to a command: remembers what it decides and speaks it. */
  #settle(stage: CommandKind, answer: Response | EndOfMessageResponse): void {
    if (stage === "endOfMessage") {
      this.#endMessage("edits" in answer ? answer : { edits: [], response: answer });
      return;
    }
    const response = "edits" in answer ? answer.response : answer;
    if (this.#verdicts.take(stage, response)) this.#state = "decided";
    this.#speak(stage, response);
  }

  #endMessage(answer: EndOfMessageResponse): void {
    this.#verdicts.endMessage();
    this.#messageBytes = 0;
    this.#state = "client";
    this.#macros.endMessage();
    this.#speaker.endMessage(answer);
  }

  /** Speaks where the MTA waits. */
  #speak(stage: CommandKind, response: Response): void {
    if (this.#speaker.answer(stage, response)) this.#verdicts.spoken(response);
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
    try {
      this.#handler.close();
    } catch (error) {
      this.#ports.report(error);
    }
  }
}
