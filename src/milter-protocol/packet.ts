/**
 * Packets cut from the stream, and the commands of the MTA in them. Strings are octet strings. What does not decode
 * throws {@link ProtocolError}; what an MTA might append to a bare command has no meaning and is ignored, as in
 * libmilter.
 */
import {
  ARGUMENTS_MAX,
  MACRO_OCTETS_MAX,
  PACKET_OCTETS_MAX,
  SMFI_PROT_VERSION_MIN,
  SMFIC_ABORT,
  SMFIC_BODY,
  SMFIC_BODYEOB,
  SMFIC_CONNECT,
  SMFIC_DATA,
  SMFIC_EOH,
  SMFIC_HEADER,
  SMFIC_HELO,
  SMFIC_MACRO,
  SMFIC_MAIL,
  SMFIC_OPTNEG,
  SMFIC_QUIT,
  SMFIC_QUIT_NC,
  SMFIC_RCPT,
  SMFIC_UNKNOWN,
} from "./constants.ts";
import type { ConnectCommand, Offer } from "./handler.ts";

/**
 * What can be wrong with the bytes of an MTA. Each closes the connection. The codes are stable: they appear
 * in the log, and tests name them.
 */
export const PROTOCOL_ERROR_CODES = {
  "packet-empty": "a packet of length 0, which has no room for a command",
  "packet-too-long": "a packet that announces more than PACKET_OCTETS_MAX octets",
  "backlog-too-long": "more than BACKLOG_OCTETS_MAX octets sent while an answer was outstanding",
  "command-unknown": "a command octet that is none of SMFIC_",
  "command-out-of-order": "a command that has no meaning in this state of the session",
  "negotiation-missing": "a command before SMFIC_OPTNEG",
  "negotiation-malformed": "SMFIC_OPTNEG shorter than its three words",
  "version-unsupported": "an offer of a version below 2",
  "string-unterminated": "a string whose NUL is missing",
  "argument-missing": "HELO, MAIL, RCPT, CONNECT or a header without its string",
  "arguments-too-many": "more than ARGUMENTS_MAX strings after MAIL or RCPT",
  "connect-malformed": "SMFIC_CONNECT with an unknown family, or cut off before port and address",
  "macros-malformed": "SMFIC_MACRO without the command it is for",
  "macros-too-long": "a set of macros over MACRO_OCTETS_MAX octets",
} as const;

/** One of {@link PROTOCOL_ERROR_CODES}. */
export type ProtocolErrorCode = keyof typeof PROTOCOL_ERROR_CODES;

/** The MTA has broken the milter protocol. Faults of our own are other errors. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: ProtocolErrorCode;

  /** `detail` says what was read; nothing in it comes from the wire but numbers. */
  constructor(code: ProtocolErrorCode, detail = "") {
    super(`${code}: ${PROTOCOL_ERROR_CODES[code]}${detail === "" ? "" : ` (${detail})`}`);
    this.code = code;
  }
}

/**
 * The names of the header fields that a handler wants, to be looked up in packets as they are: most fields of
 * most messages are of no interest, and a string for each of them would be most of what they cost.
 */
export class FieldNames {
  readonly #names: ReadonlySet<string>;
  readonly #octetsMax: number;
  /** By length: whether a name of that many octets is among them. */
  readonly #lengths: readonly boolean[];

  /** @param names in lower case */
  constructor(names: ReadonlySet<string>) {
    this.#names = names;
    this.#octetsMax = Math.max(0, ...[...names].map((name) => name.length));
    const lengths = new Array<boolean>(this.#octetsMax + 1).fill(false);
    for (const { length } of names) lengths[length] = true;
    this.#lengths = lengths;
  }

  /** Whether the data of SMFIC_HEADER from `start` to `end` are of such a field, or malformed, which decoding tells. */
  mustDecode(bytes: Buffer, start: number, end: number): boolean {
    const last = end - 1;
    if (last <= start || bytes[last] !== 0) return true;
    const limit = Math.min(last, start + this.#octetsMax + 1);
    let nameEnd = start;
    while (nameEnd < limit && bytes[nameEnd] !== 0) nameEnd++;
    const length = nameEnd - start;
    if (length > this.#octetsMax) return bytes.indexOf(0, nameEnd) === last;
    if (nameEnd === last) return true;
    return (
      this.#lengths[length] === true &&
      this.#names.has(bytes.toString("latin1", start, nameEnd).toLowerCase())
    );
  }
}

/** One packet where it was received: a command or response octet, and what follows it. */
export class Packet {
  readonly command: number;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;

  /** The command is the octet at `start`. */
  constructor(bytes: Buffer, start: number, end: number) {
    this.command = bytes[start] as number;
    this.#bytes = bytes;
    this.#start = start + 1;
    this.#end = end;
  }

  /** Octets, the command not counted. */
  get size(): number {
    return this.#end - this.#start;
  }

  /** A view of what was received, made when it is asked for; valid as long as it is held. */
  get payload(): Buffer {
    return this.#start === this.#end ? NOTHING : this.#bytes.subarray(this.#start, this.#end);
  }

  /** The same as a string of octets. */
  get text(): string {
    return this.#start === this.#end ? "" : this.#bytes.toString("latin1", this.#start, this.#end);
  }

  /** Of SMFIC_HEADER: see {@link FieldNames.mustDecode}. */
  mustDecode(names: FieldNames): boolean {
    return names.mustDecode(this.#bytes, this.#start, this.#end);
  }
}

const LENGTH_OCTETS = 4;

const NOTHING = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into packets: four octets of length in network order, then that many octets.
 * Chunks may split the stream anywhere. Bytes are copied only where a packet spans chunks, and room is made
 * as bytes arrive, never on the word of a length field.
 */
export class PacketDecoder {
  readonly #packetOctetsMax: number;
  #buffer: Buffer = NOTHING;
  #start = 0;
  #end = 0;
  /** Whether the buffer is ours and may be written to after `#end`. */
  #owned = false;

  constructor(packetOctetsMax: number = PACKET_OCTETS_MAX) {
    this.#packetOctetsMax = packetOctetsMax;
  }

  /** Octets received and not yet handed out. */
  get pendingOctets(): number {
    return this.#end - this.#start;
  }

  /** Octets of memory that what is pending holds. */
  get heldOctets(): number {
    return this.#buffer.length;
  }

  /** Takes bytes in; the chunk must not be written to afterwards. */
  append(chunk: Buffer): void {
    const pending = this.#end - this.#start;
    if (pending === 0) {
      this.#buffer = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#owned = false;
      return;
    }
    if (!this.#owned || this.#end + chunk.length > this.#buffer.length) {
      // Doubling keeps a packet that comes an octet at a time linear. Earlier views stay valid: what has
      // been handed out is never moved or overwritten.
      const grown = Buffer.allocUnsafeSlow(Math.max(256, (pending + chunk.length) * 2));
      this.#buffer.copy(grown, 0, this.#start, this.#end);
      this.#buffer = grown;
      this.#start = 0;
      this.#end = pending;
      this.#owned = true;
    }
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  /**
   * The next whole packet, or undefined until more bytes are there.
   * Throws {@link ProtocolError} `packet-empty` and `packet-too-long`, as soon as the length is read.
   */
  next(): Packet | undefined {
    const pending = this.#end - this.#start;
    if (pending < LENGTH_OCTETS) return undefined;
    const length = this.#buffer.readUInt32BE(this.#start);
    if (length === 0) throw new ProtocolError("packet-empty");
    if (length > this.#packetOctetsMax) throw new ProtocolError("packet-too-long", `${length} octets`);
    if (pending < LENGTH_OCTETS + length) return undefined;
    const from = this.#start + LENGTH_OCTETS;
    const to = from + length;
    const packet = new Packet(this.#buffer, from, to);
    this.#start = to;
    if (to === this.#end) {
      this.#buffer = NOTHING;
      this.#start = 0;
      this.#end = 0;
    }
    return packet;
  }
}

/** The name of a command. */
export type CommandKind =
  | "negotiate"
  | "macros"
  | "connect"
  | "helo"
  | "mail"
  | "rcpt"
  | "data"
  | "header"
  | "endOfHeaders"
  | "body"
  | "endOfMessage"
  | "unknown"
  | "abort"
  | "quit"
  | "quitNewConnection";

/** By the octet of the command. */
const KINDS: (CommandKind | undefined)[] = new Array<CommandKind | undefined>(256).fill(undefined);
KINDS[SMFIC_OPTNEG] = "negotiate";
KINDS[SMFIC_MACRO] = "macros";
KINDS[SMFIC_CONNECT] = "connect";
KINDS[SMFIC_HELO] = "helo";
KINDS[SMFIC_MAIL] = "mail";
KINDS[SMFIC_RCPT] = "rcpt";
KINDS[SMFIC_DATA] = "data";
KINDS[SMFIC_HEADER] = "header";
KINDS[SMFIC_EOH] = "endOfHeaders";
KINDS[SMFIC_BODY] = "body";
KINDS[SMFIC_BODYEOB] = "endOfMessage";
KINDS[SMFIC_UNKNOWN] = "unknown";
KINDS[SMFIC_ABORT] = "abort";
KINDS[SMFIC_QUIT] = "quit";
KINDS[SMFIC_QUIT_NC] = "quitNewConnection";

/** The kind of a packet, known before the rest of it is looked at. Throws `command-unknown`. */
export function commandKind(packet: Packet): CommandKind {
  const kind = KINDS[packet.command];
  if (kind === undefined) throw new ProtocolError("command-unknown", `octet ${packet.command}`);
  return kind;
}

/** SMFIC_OPTNEG: version, SMFIF_ and SMFIP_ words. Anything after them belongs to a later version. */
export function decodeOffer(payload: Buffer): Offer {
  if (payload.length < 12) throw new ProtocolError("negotiation-malformed", `${payload.length} octets`);
  const version = payload.readUInt32BE(0);
  if (version < SMFI_PROT_VERSION_MIN) throw new ProtocolError("version-unsupported", `version ${version}`);
  return { version, actions: payload.readUInt32BE(4), protocol: payload.readUInt32BE(8) };
}

/** SMFIC_MACRO. `command` is the octet of the one that the macros are for; names and values with a NUL after each. */
export function decodeMacros(text: string): { readonly command: number; readonly text: string } {
  if (text === "") throw new ProtocolError("macros-malformed");
  if (text.length > MACRO_OCTETS_MAX) throw new ProtocolError("macros-too-long", `${text.length} octets`);
  if (text.length > 1) requireTerminated(text, "macros");
  return { command: text.charCodeAt(0), text: text.slice(1) };
}

const FAMILIES: Readonly<Record<string, ConnectCommand["family"]>> = {
  U: "unknown",
  L: "unix",
  4: "inet",
  6: "inet6",
};

/** SMFIC_CONNECT: host name, NUL, family octet; but for family U then a port of two octets and the address, NUL. */
export function decodeConnect(text: string): ConnectCommand {
  const nameEnd = text.indexOf("\0");
  if (nameEnd === -1) throw new ProtocolError("string-unterminated", "connect");
  const hostname = text.slice(0, nameEnd);
  const family = FAMILIES[text.charAt(nameEnd + 1)];
  if (family === undefined) throw new ProtocolError("connect-malformed", "family");
  if (family === "unknown") return { hostname, family, port: 0, address: "" };
  const addressStart = nameEnd + 4;
  if (text.length <= addressStart) throw new ProtocolError("connect-malformed", "cut off");
  const addressEnd = text.indexOf("\0", addressStart);
  if (addressEnd === -1) throw new ProtocolError("string-unterminated", "connect");
  return {
    hostname,
    family,
    port: text.charCodeAt(nameEnd + 2) * 256 + text.charCodeAt(nameEnd + 3),
    address: text.slice(addressStart, addressEnd),
  };
}

const NO_PARAMETERS: readonly string[] = [];
/** Ordinary parameters take no more. */
const PARAMETERS_OCTETS = 256;

/** A path as it was sent, and the ESMTP parameters after it. */
interface Envelope {
  readonly path: string;
  readonly parameters: readonly string[];
}

/** SMFIC_MAIL and SMFIC_RCPT. */
export function decodeEnvelope(text: string, kind: "mail" | "rcpt"): Envelope {
  requireTerminated(text, kind);
  const pathEnd = text.indexOf("\0");
  const path = text.slice(0, pathEnd);
  if (pathEnd === text.length - 1) return { path, parameters: NO_PARAMETERS };
  const parameters = text.slice(pathEnd + 1, -1).split("\0", ARGUMENTS_MAX);
  if (parameters.length === ARGUMENTS_MAX) throw new ProtocolError("arguments-too-many", kind);
  return { path: text.length - pathEnd > PARAMETERS_OCTETS ? ownCopy(path) : path, parameters };
}

/** A path may be kept: one that is cut out of a packet would hold on to its parameters, and nobody accounts for these. */
function ownCopy(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

/** SMFIC_HEADER. A NUL inside the value, which no MTA should send, stays in it as an octet. */
export function decodeHeader(text: string): { readonly name: string; readonly value: string } {
  requireTerminated(text, "header");
  const nameEnd = text.indexOf("\0");
  if (nameEnd === text.length - 1) throw new ProtocolError("argument-missing", "header value");
  return { name: text.slice(0, nameEnd), value: text.slice(nameEnd + 1, -1) };
}

/** SMFIC_HELO, and SMFIC_UNKNOWN: Sendmail sends all of the SMTP command that it did not know, Postfix the verb. */
export function decodeString(text: string, what: "helo" | "unknown"): string {
  requireTerminated(text, what);
  return text.slice(0, -1);
}

function requireTerminated(text: string, what: string): void {
  if (text === "") throw new ProtocolError("argument-missing", what);
  if (!text.endsWith("\0")) throw new ProtocolError("string-unterminated", what);
}
