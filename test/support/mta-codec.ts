/**
 * The MTA's side of the milter wire: commands encoded, responses decoded. For tests, the demo and the
 * benchmark; the daemon has no use for it.
 */
import {
  type ConnectCommand,
  type Edit,
  type MacroStage,
  type Offer,
  type Packet,
  type Response,
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
  SMFIM_CONNECT,
  SMFIM_DATA,
  SMFIM_ENVFROM,
  SMFIM_ENVRCPT,
  SMFIM_EOH,
  SMFIM_EOM,
  SMFIM_HELO,
  SMFIR_ACCEPT,
  SMFIR_ADDHEADER,
  SMFIR_ADDRCPT,
  SMFIR_ADDRCPT_PAR,
  SMFIR_CHGFROM,
  SMFIR_CHGHEADER,
  SMFIR_CONN_FAIL,
  SMFIR_CONTINUE,
  SMFIR_DELRCPT,
  SMFIR_DISCARD,
  SMFIR_INSHEADER,
  SMFIR_PROGRESS,
  SMFIR_QUARANTINE,
  SMFIR_REJECT,
  SMFIR_REPLBODY,
  SMFIR_REPLYCODE,
  SMFIR_SHUTDOWN,
  SMFIR_SKIP,
  SMFIR_TEMPFAIL,
} from "milter-protocol";

/** What Sendmail 8.17 and Postfix 3.7 offer. */
export const MODERN_OFFER: Offer = { version: 6, actions: 0x1ff, protocol: 0x1fffff };
/** What Sendmail 8.12 offers. */
export const OLD_OFFER: Offer = { version: 2, actions: 0x1f, protocol: 0x7f };

/** A packet of any octets: length, command octet, payload. */
export function packet(letter: number, payload: string | Uint8Array = ""): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload, "latin1") : payload;
  const whole = Buffer.alloc(5 + bytes.length);
  whole.writeUInt32BE(bytes.length + 1, 0);
  whole[4] = letter;
  whole.set(bytes, 5);
  return whole;
}

const words = (...numbers: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((n, i) => bytes.writeUInt32BE(n, 4 * i));
  return bytes;
};

const strings = (...texts: readonly string[]): string => texts.map((text) => `${text}\0`).join("");

const FAMILY_LETTERS = { unknown: "U", unix: "L", inet: "4", inet6: "6" } as const;

function connectPayload({ hostname, family, port, address }: ConnectCommand): string {
  const head = `${hostname}\0${FAMILY_LETTERS[family]}`;
  if (family === "unknown") return head;
  return `${head}${String.fromCharCode(port >> 8, port & 0xff)}${address}\0`;
}

/** The command octet that a stage's macros are for. */
export const MACRO_LETTERS: Readonly<Record<MacroStage, number>> = {
  connect: SMFIC_CONNECT,
  helo: SMFIC_HELO,
  mail: SMFIC_MAIL,
  rcpt: SMFIC_RCPT,
  data: SMFIC_DATA,
  endOfHeaders: SMFIC_EOH,
  endOfMessage: SMFIC_BODYEOB,
};

/** The SMFIM_ number of a stage. */
export const MACRO_STAGES: Readonly<Record<MacroStage, number>> = {
  connect: SMFIM_CONNECT,
  helo: SMFIM_HELO,
  mail: SMFIM_ENVFROM,
  rcpt: SMFIM_ENVRCPT,
  data: SMFIM_DATA,
  endOfHeaders: SMFIM_EOH,
  endOfMessage: SMFIM_EOM,
};

/** Encoders of every command, one packet each. */
export const command = {
  negotiate: ({ version, actions, protocol }: Offer): Buffer =>
    packet(SMFIC_OPTNEG, words(version, actions, protocol)),
  macros: (letter: number, macros: Readonly<Record<string, string>>): Buffer =>
    packet(SMFIC_MACRO, String.fromCharCode(letter) + strings(...Object.entries(macros).flat())),
  connect: (c: ConnectCommand): Buffer => packet(SMFIC_CONNECT, connectPayload(c)),
  helo: (name: string): Buffer => packet(SMFIC_HELO, strings(name)),
  mail: (path: string, parameters: readonly string[] = []): Buffer =>
    packet(SMFIC_MAIL, strings(path, ...parameters)),
  rcpt: (path: string, parameters: readonly string[] = []): Buffer =>
    packet(SMFIC_RCPT, strings(path, ...parameters)),
  data: (): Buffer => packet(SMFIC_DATA),
  header: (name: string, value: string): Buffer => packet(SMFIC_HEADER, strings(name, value)),
  endOfHeaders: (): Buffer => packet(SMFIC_EOH),
  body: (bytes: string | Uint8Array): Buffer => packet(SMFIC_BODY, bytes),
  endOfMessage: (bytes: string | Uint8Array = ""): Buffer => packet(SMFIC_BODYEOB, bytes),
  unknown: (line: string): Buffer => packet(SMFIC_UNKNOWN, strings(line)),
  abort: (): Buffer => packet(SMFIC_ABORT),
  quit: (): Buffer => packet(SMFIC_QUIT),
  quitNewConnection: (): Buffer => packet(SMFIC_QUIT_NC),
};

/** The answer of a filter to an offer. */
export interface NegotiationReply {
  readonly kind: "negotiation";
  readonly version: number;
  readonly actions: number;
  readonly protocol: number;
  /** By SMFIM_ number; a stage without an entry keeps the MTA's own list. */
  readonly symbolLists: ReadonlyMap<number, readonly string[]>;
}

/** SMFIR_REPLYCODE as the SMTP client would see it: `%%` undoubled. */
export interface ReplyCode {
  readonly kind: "reply";
  readonly code: string;
  readonly text: string;
}

/** A verdict as it comes over the wire. */
export type Verdict = Exclude<Response, { kind: "reply" }> | ReplyCode;

/** What a filter other than ours may say. */
export type Signal = "skip" | "progress" | "shutdown" | "connectionFailure";

/** Everything that a filter may send. */
export type FilterPacket = NegotiationReply | Verdict | { readonly kind: Signal } | Edit;

const BARE: Readonly<Record<number, Exclude<Verdict, ReplyCode>["kind"] | Signal>> = {
  [SMFIR_ACCEPT]: "accept",
  [SMFIR_CONTINUE]: "continue",
  [SMFIR_DISCARD]: "discard",
  [SMFIR_REJECT]: "reject",
  [SMFIR_TEMPFAIL]: "tempfail",
  [SMFIR_SKIP]: "skip",
  [SMFIR_PROGRESS]: "progress",
  [SMFIR_SHUTDOWN]: "shutdown",
  [SMFIR_CONN_FAIL]: "connectionFailure",
};

/** Decodes a packet of a filter. Throws Error for anything that an MTA would not understand. */
export function decodeFilterPacket({ command: letter, payload }: Packet): FilterPacket {
  const kind = BARE[letter];
  if (kind !== undefined) return { kind };
  switch (letter) {
    case SMFIC_OPTNEG:
      return decodeNegotiation(payload);
    case SMFIR_REPLYCODE:
      return decodeReplyCode(payload);
    case SMFIR_ADDHEADER:
      return { kind: "addHeader", ...decodeField(payload) };
    case SMFIR_INSHEADER:
      return { kind: "insertHeader", index: payload.readUInt32BE(0), ...decodeField(payload.subarray(4)) };
    case SMFIR_CHGHEADER:
      return { kind: "changeHeader", index: payload.readUInt32BE(0), ...decodeField(payload.subarray(4)) };
    case SMFIR_ADDRCPT:
      return { kind: "addRecipient", path: exactly(1, payload)[0] ?? "" };
    case SMFIR_DELRCPT:
      return { kind: "deleteRecipient", path: exactly(1, payload)[0] ?? "" };
    case SMFIR_ADDRCPT_PAR: {
      const [path = "", parameters = ""] = exactly(2, payload);
      return { kind: "addRecipient", path, parameters };
    }
    case SMFIR_CHGFROM: {
      const [path = "", parameters] = split(payload);
      return { kind: "changeSender", path, ...(parameters === undefined ? {} : { parameters }) };
    }
    case SMFIR_REPLBODY:
      return { kind: "replaceBody", bytes: Buffer.from(payload) };
    case SMFIR_QUARANTINE:
      return { kind: "quarantine", reason: exactly(1, payload)[0] ?? "" };
    default:
      throw new Error(`a filter sent the unknown response ${JSON.stringify(String.fromCharCode(letter))}`);
  }
}

function decodeNegotiation(payload: Buffer): NegotiationReply {
  const symbolLists = new Map<number, readonly string[]>();
  for (let at = 12; at < payload.length; ) {
    const end = payload.indexOf(0, at + 4);
    if (end === -1) throw new Error("a symbol list without its NUL");
    const list = payload.toString("latin1", at + 4, end);
    symbolLists.set(
      payload.readUInt32BE(at),
      list.split(/[ ,]+/).filter((name) => name !== ""),
    );
    at = end + 1;
  }
  return {
    kind: "negotiation",
    version: payload.readUInt32BE(0),
    actions: payload.readUInt32BE(4),
    protocol: payload.readUInt32BE(8),
    symbolLists,
  };
}

function decodeReplyCode(payload: Buffer): ReplyCode {
  const [text = ""] = exactly(1, payload);
  if (!/^[45]\d\d[ -]/.test(text)) throw new Error(`malformed reply ${JSON.stringify(text)}`);
  // Sendmail formats the text: a lone % loses code and text.
  if (text.replaceAll("%%", "").includes("%")) throw new Error(`lone % in reply ${JSON.stringify(text)}`);
  return { kind: "reply", code: text.slice(0, 3), text: text.replaceAll("%%", "%") };
}

function decodeField(payload: Buffer): { name: string; value: string } {
  const [name = "", value = ""] = exactly(2, payload);
  return { name, value };
}

function exactly(count: number, payload: Buffer): string[] {
  const found = split(payload);
  if (found.length !== count) throw new Error(`${found.length} strings where ${count} belong`);
  return found;
}

function split(payload: Buffer): string[] {
  if (payload.length === 0 || payload[payload.length - 1] !== 0) throw new Error("a string without its NUL");
  return payload.toString("latin1", 0, payload.length - 1).split("\0");
}
