import {
  ARGUMENTS_MAX,
  MACRO_BYTES_MAX,
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
import type { Packet } from "./packet-decoder.ts";
import { ProtocolError } from "./protocol-error.ts";

/** A command of the MTA, decoded. Strings are octet strings. */
export type Command =
  | ({ readonly kind: "negotiate" } & Offer)
  /** `stage` is the octet of the command that the macros are for; `text` their names and values, NUL after each. */
  | { readonly kind: "macros"; readonly stage: number; readonly text: string }
  | ({ readonly kind: "connect" } & ConnectCommand)
  | { readonly kind: "helo"; readonly name: string }
  | { readonly kind: "mail" | "rcpt"; readonly path: string; readonly parameters: readonly string[] }
  | { readonly kind: "header"; readonly name: string; readonly value: string }
  /** `line` is the SMTP command that the MTA did not know: Sendmail sends all of it, Postfix the verb. */
  | { readonly kind: "unknown"; readonly line: string }
  /** At end of message Postfix carries the last octets of the body. */
  | { readonly kind: "body" | "endOfMessage"; readonly bytes: Buffer }
  | { readonly kind: "data" | "endOfHeaders" | "abort" | "quit" | "quitNewConnection" };

/** The name of a command. */
export type CommandKind = Command["kind"];

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

/** Decodes a whole packet of the MTA. Throws {@link ProtocolError}. */
export function decodeCommand(packet: Packet): Command {
  const kind = commandKind(packet);
  const { payload } = packet;
  switch (kind) {
    case "negotiate":
      return { kind, ...decodeOffer(payload) };
    case "macros":
      return decodeMacros(payload);
    case "connect":
      return decodeConnect(payload);
    case "helo":
      return { kind, name: onlyString(payload, kind) };
    case "mail":
    case "rcpt":
      return decodeEnvelope(kind, payload);
    case "header":
      return decodeHeader(payload);
    case "unknown":
      return { kind, line: onlyString(payload, kind) };
    case "body":
    case "endOfMessage":
      return { kind, bytes: payload };
    default:
      // What an MTA might append to a bare command has no meaning and is passed over, as in libmilter.
      return { kind };
  }
}

/** SMFIC_OPTNEG: version, SMFIF_ and SMFIP_ words. Anything after them belongs to a later version. */
export function decodeOffer(payload: Buffer): Offer {
  if (payload.length < 12) throw new ProtocolError("negotiation-malformed", `${payload.length} octets`);
  const version = payload.readUInt32BE(0);
  if (version < SMFI_PROT_VERSION_MIN) throw new ProtocolError("version-unsupported", `version ${version}`);
  return { version, actions: payload.readUInt32BE(4), protocol: payload.readUInt32BE(8) };
}

function decodeMacros(payload: Buffer): Command {
  const stage = payload[0];
  if (stage === undefined) throw new ProtocolError("macros-malformed");
  if (payload.length > MACRO_BYTES_MAX)
    throw new ProtocolError("macros-too-long", `${payload.length} octets`);
  if (payload.length > 1) requireTerminated(payload, "macros");
  return { kind: "macros", stage, text: payload.toString("latin1", 1, payload.length) };
}

const FAMILIES: Readonly<Record<number, ConnectCommand["family"]>> = {
  0x55: "unknown",
  0x4c: "unix",
  0x34: "inet",
  0x36: "inet6",
};

/** Host name, NUL, family octet; but for family U then a port of two octets and the address, NUL. */
function decodeConnect(payload: Buffer): Command {
  const nameEnd = payload.indexOf(0);
  if (nameEnd === -1) throw new ProtocolError("string-unterminated", "connect");
  const hostname = payload.toString("latin1", 0, nameEnd);
  const family = FAMILIES[payload[nameEnd + 1] ?? 0];
  if (family === undefined) throw new ProtocolError("connect-malformed", "family");
  if (family === "unknown") return { kind: "connect", hostname, family, port: 0, address: "" };
  const addressStart = nameEnd + 4;
  if (payload.length <= addressStart) throw new ProtocolError("connect-malformed", "cut off");
  const addressEnd = payload.indexOf(0, addressStart);
  if (addressEnd === -1) throw new ProtocolError("string-unterminated", "connect");
  return {
    kind: "connect",
    hostname,
    family,
    port: payload.readUInt16BE(nameEnd + 2),
    address: payload.toString("latin1", addressStart, addressEnd),
  };
}

function decodeEnvelope(kind: "mail" | "rcpt", payload: Buffer): Command {
  requireTerminated(payload, kind);
  const pathEnd = payload.indexOf(0);
  const path = payload.toString("latin1", 0, pathEnd);
  if (pathEnd === payload.length - 1) return { kind, path, parameters: [] };
  const parameters = payload.toString("latin1", pathEnd + 1, payload.length - 1).split("\0", ARGUMENTS_MAX);
  if (parameters.length === ARGUMENTS_MAX) throw new ProtocolError("arguments-too-many", kind);
  return { kind, path, parameters };
}

/** A NUL inside the value, which no MTA should send, stays in it as an octet. */
function decodeHeader(payload: Buffer): Command {
  requireTerminated(payload, "header");
  const nameEnd = payload.indexOf(0);
  if (nameEnd === payload.length - 1) throw new ProtocolError("argument-missing", "header value");
  return {
    kind: "header",
    name: payload.toString("latin1", 0, nameEnd),
    value: payload.toString("latin1", nameEnd + 1, payload.length - 1),
  };
}

function onlyString(payload: Buffer, what: string): string {
  requireTerminated(payload, what);
  return payload.toString("latin1", 0, payload.length - 1);
}

function requireTerminated(payload: Buffer, what: string): void {
  if (payload.length === 0) throw new ProtocolError("argument-missing", what);
  if (payload[payload.length - 1] !== 0) throw new ProtocolError("string-unterminated", what);
}
