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
import { KEPT_COMMAND_BYTES } from "./constants.ts";
import type { ReportPort } from "./end-of-message.ts";
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
import type { ReceivedPacket } from "./packet-decoder.ts";
import { ProtocolError } from "./protocol-error.ts";
import { CONTINUE, type Response, TEMPFAIL } from "./response.ts";
import type { Speaker } from "./speaker.ts";
import { messageInHand, type SessionState, TRANSITIONS } from "./transitions.ts";
import { Verdicts } from "./verdicts.ts";

/**
 * What MTA and handler say to each other, packet by packet: the rules of {@link TRANSITIONS} and of
 * {@link MilterSession}, which feeds it and writes what the speaker has gathered.
 */
export class Dialogue {
  readonly #handler: MilterHandler;
  readonly #speaker: Speaker;
  readonly #ports: ReportPort;
  readonly #macros = new MacroTable();
  readonly #verdicts = new Verdicts();
  #state: SessionState = "start";
  #terms: Negotiated | undefined;
  /** The stage whose answer is outstanding. */
  #waiting: CommandKind | undefined;
  /** An answer given to {@link resume} before the handler had returned LATER. */
  #early: Response | EndOfMessageResponse | undefined;
  /** What the handler is being asked about. */
  #asking: CommandKind | undefined;
  /** What the handler may hold of CONNECT, of HELO, and of the message in hand. */
  #connectBytes = 0;
  #heloBytes = 0;
  #messageBytes = 0;

  constructor(handler: MilterHandler, speaker: Speaker, ports: ReportPort) {
    this.#handler = handler;
    this.#speaker = speaker;
    this.#ports = ports;
  }

  /** "over" after QUIT. */
  get state(): SessionState {
    return this.#state;
  }

  /** Whether an answer of the handler is outstanding. Until it is there, nothing is to be heard. */
  get waiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Whether the MTA is in the middle of a message that it has not heard the verdict of. */
  get busy(): boolean {
    return this.#waiting !== undefined || messageInHand(this.#state) || this.#verdicts.unheard;
  }

  /** Octets of memory, roughly, that are held for what is not finished. */
  get heldBytes(): number {
    return this.#macros.heldBytes + this.#connectBytes + this.#heloBytes + this.#messageBytes;
  }

  /** Takes one packet of the MTA. Throws what the connection cannot go on after. */
  hear(packet: ReceivedPacket): void {
    try {
      this.#admit(packet);
    } catch (error) {
      const asking = this.#asking;
      this.#asking = undefined;
      if (asking === undefined) throw error;
      this.#ports.report(error);
      this.#giveUp(asking);
    }
  }

  /** The answer after {@link LATER}; true where there is something to go on with. */
  resume(answer: Response | EndOfMessageResponse): boolean {
    if (this.#asking !== undefined) {
      this.#early = answer;
      return false;
    }
    const stage = this.#waiting;
    if (stage === undefined) {
      this.#ports.report(new Error("resume without an outstanding answer"));
      return false;
    }
    this.#waiting = undefined;
    this.#settle(stage, answer);
    return true;
  }

  /** Nothing is heard any more. */
  close(): void {
    try {
      this.#handler.close();
    } catch (error) {
      this.#ports.report(error);
    }
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
        this.#state = next;
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
        this.#open(kind, packet, next);
        return;
      default:
        this.#goOn(kind, packet, next);
    }
  }

  /** What ends a message in hand, or begins one. */
  #open(kind: "connect" | "helo" | "mail", packet: ReceivedPacket, next: SessionState): void {
    const { text } = packet;
    switch (kind) {
      case "connect": {
        const client = decodeConnect(text);
        this.#enter(kind, next);
        this.#connectBytes = keptBytes(packet);
        if (this.#asks(kind)) this.#answered(kind, this.#handler.connect(client, this.#macros));
        return;
      }
      case "helo": {
        const name = decodeString(text, kind);
        this.#enter(kind, next);
        this.#heloBytes = keptBytes(packet);
        if (this.#asks(kind)) this.#answered(kind, this.#handler.helo(name, this.#macros));
        return;
      }
      case "mail": {
        const { path, parameters } = decodeEnvelope(text, kind);
        this.#enter(kind, next);
        this.#messageBytes = keptBytes(packet);
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
        this.#messageBytes += keptBytes(packet);
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
    this.#messageBytes += keptBytes(packet);
    this.#answered(kind, this.#handler.header(name, value));
  }

  #negotiate(offer: Offer): void {
    this.#terms = negotiate(offer, this.#handler.negotiate(offer));
    this.#awaitClient();
    this.#speaker.agree(this.#terms);
  }

  #newConnection(): void {
    this.#leaveMessage();
    this.#macros.clear();
    this.#connectBytes = 0;
    this.#heloBytes = 0;
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
}

/** What a handler that keeps everything of a command holds: a text that was cut out holds on to all of it. */
function keptBytes({ size }: ReceivedPacket): number {
  return KEPT_COMMAND_BYTES + 2 * size;
}
