import {
  BACKLOG_OCTETS_MAX,
  BACKLOG_PAUSE_OCTETS,
  KEPT_COMMAND_OCTETS,
  REPLY_BATCH_OCTETS,
} from "./constants.ts";
import { type EndOfMessageAnswer, type HandlerAnswer, LATER, type MilterHandler } from "./handler.ts";
import { MacroTable } from "./macros.ts";
import { type Negotiated, Negotiator } from "./negotiate.ts";
import {
  type CommandKind,
  commandKind,
  decodeConnect,
  decodeEnvelope,
  decodeHeader,
  decodeMacros,
  decodeOffer,
  decodeString,
  type Packet,
  PacketDecoder,
  ProtocolError,
} from "./packet.ts";
import {
  CONTINUE,
  type EndOfMessageResponse,
  encodeEndOfMessage,
  encodeResponse,
  type Response,
  TEMPFAIL,
} from "./responses.ts";
import { isMessageOpen, type SessionState, StandingResponse, TRANSITIONS } from "./state.ts";

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
 * {@link TRANSITIONS}, and these:
 *
 * - Every command that the MTA waits after gets exactly one reply, others none. A command that the handler
 *   does not want and that comes all the same is answered "continue".
 * - A response to CONNECT or HELO holds for all messages of the connection, one that decides the message for
 *   the rest of it; the handler is not asked again. It is sent at every stage that is answered. Where the
 *   stage at which it was given is not answered, it is sent first at the next one that is.
 * - A refusal at RCPT is for that recipient and ends nothing.
 * - What one chunk brings is answered in one write.
 * - A handler that throws costs its message a temporary failure (its connection, where that happens at
 *   CONNECT, HELO or negotiation), and nothing else.
 */
export class MilterSession {
  readonly #handler: MilterHandler;
  readonly #ports: SessionPorts;
  readonly #negotiator: Negotiator;
  readonly #decoder = new PacketDecoder();
  readonly #macros = new MacroTable();
  readonly #standing = new StandingResponse();
  #state: SessionState = "start";
  #terms: Negotiated | undefined;
  /** The command whose answer is outstanding. */
  #waiting: CommandKind | undefined;
  /** The command that the handler is being asked about, while it is. */
  #asking: CommandKind | undefined;
  /** Packets to be written. */
  #replies: Buffer[] = [];
  #replyOctets = 0;
  /** Inside {@link #run}. */
  #running = false;
  /** The MTA reads too slowly. */
  #choked = false;
  /** The socket is closed, or was asked to be. */
  #closed = false;
  /** Octets that the handler may hold of CONNECT, of HELO, and of the present message. */
  #connectOctets = 0;
  #heloOctets = 0;
  #messageOctets = 0;

  /** @param negotiator one for all sessions of a server saves each of them the work */
  constructor(handler: MilterHandler, ports: SessionPorts, negotiator = new Negotiator()) {
    this.#handler = handler;
    this.#ports = ports;
    this.#negotiator = negotiator;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Whether an answer of the handler is outstanding. */
  get waiting(): boolean {
    return this.#waiting !== undefined && this.#state !== "over";
  }

  /** Whether the MTA is in the middle of a message whose end it has not been told. */
  get busy(): boolean {
    return (
      this.#state !== "over" &&
      (this.#waiting !== undefined || isMessageOpen(this.#state) || this.#standing.isUntold)
    );
  }

  /** Octets of memory, roughly, that the connection holds for what is not finished; to be looked at after each call. */
  get heldOctets(): number {
    if (this.#state === "over") return 0;
    return (
      this.#decoder.heldOctets +
      this.#macros.heldOctets +
      this.#connectOctets +
      this.#heloOctets +
      (this.#handler.heldOctets ?? this.#messageOctets) +
      this.#replyOctets
    );
  }

  /** Whether the reader of the socket should pause; to be looked at after each call. */
  get blocked(): boolean {
    return (
      this.#choked || (this.#decoder.pendingOctets >= BACKLOG_PAUSE_OCTETS && this.#waiting !== undefined)
    );
  }

  /** Takes what the socket has read, split anywhere. The chunk must not be written to afterwards. */
  receive(chunk: Buffer): void {
    if (this.#state === "over") return;
    this.#decoder.append(chunk);
    this.#run();
    if (this.#decoder.pendingOctets > BACKLOG_OCTETS_MAX) {
      this.#fail(new ProtocolError("backlog-too-long"));
      this.#run();
    }
  }

  /**
   * The answer after {@link LATER}. Without effect once the session is over; where no answer is outstanding
   * it is reported as an error and otherwise ignored. Throws Error inside the call that is to be answered.
   */
  resume(answer: Response | EndOfMessageResponse): void {
    if (this.#state === "over") return;
    if (this.#asking !== undefined) throw new Error("resume before the handler has returned LATER");
    const command = this.#waiting;
    if (command === undefined) {
      this.#ports.report(new Error("resume without an outstanding answer"));
      return;
    }
    this.#waiting = undefined;
    this.#answer(command, answer);
    this.#run();
  }

  /**
   * Gives up a message that holds too much: the handler forgets it, and from now on the MTA is given this response
   * wherever it waits, at end of message at the latest. False where no message is open.
   */
  abandonMessage(response: Response): boolean {
    if (!isMessageOpen(this.#state) || this.#asking !== undefined) return false;
    const command = this.#waiting;
    this.#waiting = undefined;
    if (command !== "endOfMessage") {
      this.#standing.decideMessage(response);
      this.#state = "decided";
    }
    this.#messageOctets = 0;
    try {
      this.#handler.abort();
    } catch (error) {
      this.#ports.report(error);
    }
    if (command !== undefined) this.#answer(command, response);
    this.#run();
    return true;
  }

  /** The MTA reads again, after {@link SessionPorts.write} has returned false. */
  drained(): void {
    this.#choked = false;
    this.#run();
  }

  /** The socket is gone, or is to be closed by our side. */
  end(): void {
    this.#closed = true;
    if (this.#state !== "over") this.#finish();
  }

  /** Reads packets as long as nothing is waited for, and writes the replies. */
  #run(): void {
    if (this.#running) return;
    this.#running = true;
    do {
      while (this.#waiting === undefined && !this.#choked && this.#state !== "over") {
        if (!this.#readPacket()) break;
        if (this.#replyOctets >= REPLY_BATCH_OCTETS) this.#flush();
      }
    } while (this.#flush());
    this.#running = false;
    if (this.#state === "over" && !this.#closed) {
      this.#closed = true;
      this.#ports.close();
    }
  }

  /** Handles one packet; false where none is whole. */
  #readPacket(): boolean {
    try {
      const packet = this.#decoder.next();
      if (packet === undefined) return false;
      this.#dispatch(packet);
    } catch (error) {
      this.#recover(error);
    }
    return true;
  }

  /** A handler that has thrown costs its message; whatever else goes wrong, the connection. */
  #recover(error: unknown): void {
    const command = this.#asking;
    this.#asking = undefined;
    if (command === undefined) {
      this.#fail(error);
      return;
    }
    this.#ports.report(error);
    try {
      this.#giveUp(command);
    } catch (another) {
      this.#fail(another);
    }
  }

  /** Writes what there is; false where there was nothing. */
  #flush(): boolean {
    const [first] = this.#replies;
    if (first === undefined) return false;
    // Nearly always there is just one, which goes on without a copy.
    const bytes = this.#replies.length === 1 ? first : Buffer.concat(this.#replies);
    this.#replies = [];
    this.#replyOctets = 0;
    if (!this.#ports.write(bytes)) this.#choked = true;
    return true;
  }

  #fail(error: unknown): void {
    this.#ports.report(error);
    this.#finish();
  }

  #finish(): void {
    this.#state = "over";
    try {
      this.#handler.close();
    } catch (error) {
      this.#ports.report(error);
    }
  }

  /** Throws what the connection cannot go on after. */
  #dispatch(packet: Packet): void {
    const kind = commandKind(packet);
    const next = TRANSITIONS[this.#state][kind];
    if (next === undefined) {
      throw new ProtocolError(
        this.#state === "start" ? "negotiation-missing" : "command-out-of-order",
        `${kind} in state ${this.#state}`,
      );
    }
    // Each kind is decoded where it is used: a common type for all would make reading its fields slow.
    switch (kind) {
      case "negotiate": {
        const offer = decodeOffer(packet.payload);
        this.#terms = this.#negotiator.negotiate(offer, this.#handler.negotiate(offer));
        this.#awaitClient();
        this.#send(this.#terms.reply);
        return;
      }
      case "macros": {
        const { command, text } = decodeMacros(packet.text);
        this.#macros.put(command, text);
        return;
      }
      case "connect": {
        const client = decodeConnect(packet.text);
        this.#enter(kind, next);
        this.#connectOctets = keptOctets(packet);
        if (this.#answersAlone(kind)) return;
        this.#handled(kind, this.#handler.connect(client, this.#macros));
        return;
      }
      case "helo": {
        const name = decodeString(packet.text, kind);
        this.#enter(kind, next);
        this.#heloOctets = keptOctets(packet);
        if (this.#answersAlone(kind)) return;
        this.#handled(kind, this.#handler.helo(name, this.#macros));
        return;
      }
      case "mail": {
        const { path, parameters } = decodeEnvelope(packet.text, kind);
        this.#enter(kind, next);
        this.#messageOctets = keptOctets(packet);
        if (this.#answersAlone(kind)) return;
        this.#handled(kind, this.#handler.mail(path, parameters, this.#macros));
        return;
      }
      case "rcpt": {
        const { path, parameters } = decodeEnvelope(packet.text, kind);
        this.#macros.enter(kind);
        this.#state = next;
        if (this.#answersAlone(kind)) return;
        this.#messageOctets += keptOctets(packet);
        this.#handled(kind, this.#handler.rcpt(path, parameters, this.#macros));
        return;
      }
      case "header":
        this.#dispatchHeader(packet, next);
        return;
      case "data":
      case "endOfHeaders":
        this.#macros.enter(kind);
        this.#state = next;
        this.#answer(kind, this.#standing.current ?? CONTINUE);
        return;
      case "body":
        this.#state = next;
        this.#answer(kind, this.#standing.current ?? CONTINUE);
        return;
      case "endOfMessage":
        this.#macros.enter(kind);
        if (this.#answersAlone(kind)) return;
        this.#handled(kind, this.#handler.endOfMessage(this.#macros));
        return;
      case "abort":
        this.#leaveMessage();
        this.#macros.endMessage();
        this.#state = next;
        return;
      case "unknown":
        decodeString(packet.text, kind);
        this.#reply(kind, CONTINUE);
        return;
      case "quitNewConnection":
        this.#leaveMessage();
        this.#macros.clear();
        this.#connectOctets = 0;
        this.#heloOctets = 0;
        this.#standing.endConnection();
        this.#awaitClient();
        this.#handler.newConnection();
        return;
      case "quit":
        this.#finish();
    }
  }

  /** A field that the handler does not want is not decoded. */
  #dispatchHeader(packet: Packet, next: SessionState): void {
    const kind = "header";
    const fields = this.#terms?.fields;
    if (fields !== undefined && !packet.mustDecode(fields)) {
      this.#state = next;
      if (this.#acceptsReply(kind)) this.#answer(kind, this.#standing.current ?? CONTINUE);
      return;
    }
    const { name, value } = decodeHeader(packet.text);
    this.#state = next;
    if (this.#answersAlone(kind)) return;
    this.#messageOctets += keptOctets(packet);
    this.#handled(kind, this.#handler.header(name, value));
  }

  /** CONNECT, HELO and MAIL end a message and begin again. */
  #enter(kind: "connect" | "helo" | "mail", next: SessionState): void {
    this.#leaveMessage();
    this.#macros.enter(kind);
    this.#state = next;
  }

  #awaitClient(): void {
    this.#state = this.#terms?.wanted.has("connect") === true ? "awaitingConnect" : "connectSkipped";
  }

  /** The message is over: the handler is told where it was not decided. */
  #leaveMessage(): void {
    this.#messageOctets = 0;
    this.#standing.endMessage();
    if (isMessageOpen(this.#state)) this.#handler.abort();
  }

  /**
   * Answers a command that needs no handler: with the response that stands, or "continue" where the handler does not
   * want it. False where the handler is to be asked; what it returns then goes to {@link #handled}.
   */
  #answersAlone(kind: CommandKind): boolean {
    const standing = this.#standing.current;
    if (standing === undefined && this.#terms?.wanted.has(kind) === true) {
      this.#asking = kind;
      return false;
    }
    this.#answer(kind, standing ?? CONTINUE);
    return true;
  }

  /** The handler has returned: the answer, or that it comes later. */
  #handled(command: CommandKind, answer: HandlerAnswer | EndOfMessageAnswer): void {
    this.#asking = undefined;
    if (answer === LATER) this.#waiting = command;
    else this.#answer(command, answer);
  }

  /** The handler has thrown: a temporary failure of the message, and the handler forgets it. */
  #giveUp(command: CommandKind): void {
    const isOpen = isMessageOpen(this.#state);
    if (isOpen && command !== "endOfMessage") {
      this.#standing.decideMessage(TEMPFAIL);
      this.#state = "decided";
    }
    this.#answer(command, TEMPFAIL);
    if (isOpen) this.#handler.abort();
  }

  /** Answers a command: keeps what the response decides, and replies where the MTA waits. */
  #answer(command: CommandKind, answer: Response | EndOfMessageResponse): void {
    if (command === "endOfMessage") {
      this.#standing.endMessage();
      this.#messageOctets = 0;
      this.#state = "connected";
      this.#macros.endMessage();
      this.#replyAtEnd("edits" in answer ? answer : { edits: [], response: answer });
      return;
    }
    const response = "edits" in answer ? answer.response : answer;
    if (this.#standing.take(command, response)) this.#state = "decided";
    this.#reply(command, response);
  }

  /** Whether the MTA waits for a reply to a command. */
  #acceptsReply(command: CommandKind): boolean {
    return this.#terms?.unanswered.has(command) !== true;
  }

  /**
   * Replies where the MTA waits. An answer that cannot be encoded is reported, and sent as a temporary failure.
   * Discard means nothing for a connection and waits for its first message.
   */
  #reply(command: CommandKind, response: Response): void {
    if (!this.#acceptsReply(command)) return;
    const early = response.kind === "discard" && (command === "connect" || command === "helo");
    let packet: Buffer;
    try {
      packet = encodeResponse(early ? CONTINUE : response, this.#terms?.replyLinesMax);
    } catch (error) {
      this.#ports.report(error);
      packet = encodeResponse(TEMPFAIL);
    }
    this.#send(packet);
    this.#standing.told(response);
  }

  #replyAtEnd(answer: EndOfMessageResponse): void {
    let packets: Buffer;
    try {
      packets = encodeEndOfMessage(answer, this.#terms, (error) => {
        this.#ports.report(error);
      });
    } catch (error) {
      this.#ports.report(error);
      packets = encodeResponse(TEMPFAIL);
    }
    this.#send(packets);
  }

  #send(packets: Buffer): void {
    this.#replies.push(packets);
    this.#replyOctets += packets.length;
  }
}

/** What a handler that keeps everything of a command holds: a text that was cut out holds on to all of it. */
function keptOctets({ size }: Packet): number {
  return KEPT_COMMAND_OCTETS + 2 * size;
}
