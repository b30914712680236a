/**
 * Commands of the MTA, decoded from whole packets. Strings are octet strings. What does not decode throws
 * {@link ProtocolError}; what an MTA might append to a bare command has no meaning and is passed over, as in libmilter.
 */
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
import type { Packet } from "./packet.ts";
import { ProtocolError } from "./protocol-error.ts";

/** The name of a command. */
export type CommandKind =
  | "negotiate"
  | "macros"
  | "connect"
  | "helo"
  | "mail"
  | "unknown"
  | "abort"
  | "quit"
  | "quitNewConnection"
  | MessageCommandKind;

/** Of a command that belongs to a message. */
export type MessageCommandKind = "rcpt" | "data" | "header" | "endOfHeaders" | "body" | "endOfMessage";

const NONE: readonly string[] = [];

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

/** SMFIC_MACRO. `stage` is the octet of the command that the macros are for; names and values with a NUL after each. */
export function decodeMacros(text: string): { readonly stage: number; readonly text: string } {
  if (text === "") throw new ProtocolError("macros-malformed");
  if (text.length > MACRO_BYTES_MAX) throw new ProtocolError("macros-too-long", `${text.length} octets`);
  if (text.length > 1) requireTerminated(text, "macros");
  return { stage: text.charCodeAt(0), text: text.slice(1) };
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
  if (pathEnd === text.length - 1) return { path, parameters: NONE };
  const parameters = text.slice(pathEnd + 1, -1).split("\0", ARGUMENTS_MAX);
  if (parameters.length === ARGUMENTS_MAX) throw new ProtocolError("arguments-too-many", kind);
  return { path, parameters };
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
