import type { Packet } from "milter-protocol";
import {
  type CommandKind,
  commandKind,
  decodeConnect,
  decodeEnvelope,
  decodeHeader,
  decodeMacros,
  decodeOffer,
  decodeString,
} from "../../src/milter-protocol/packet.ts";

/** A packet of the MTA, decoded as its kind is; a body stays octets. */
export function decodeCommand(
  packet: Packet,
): { readonly kind: CommandKind } & Readonly<Record<string, unknown>> {
  const kind = commandKind(packet);
  const { text, payload } = packet;
  switch (kind) {
    case "negotiate":
      return { kind, ...decodeOffer(payload) };
    case "macros":
      return { kind, ...decodeMacros(text) };
    case "connect":
      return { kind, ...decodeConnect(text) };
    case "helo":
      return { kind, name: decodeString(text, kind) };
    case "unknown":
      return { kind, line: decodeString(text, kind) };
    case "mail":
    case "rcpt":
      return { kind, ...decodeEnvelope(text, kind) };
    case "header":
      return { kind, ...decodeHeader(text) };
    case "body":
    case "endOfMessage":
      return { kind, bytes: payload };
    default:
      return { kind };
  }
}
