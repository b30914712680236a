/** `--mail`: what a stored message says of the client that brought it. */
import type { OctetString } from "../address/index.ts";
import { readReceived } from "../policy/index.ts";
import { UsageError } from "./options.ts";
import type { Query } from "./query.ts";
import { readIp } from "./values.ts";

/** One header field as a milter is given it: without the space after the colon, LF between folded lines. */
export interface MessageField {
  readonly name: OctetString;
  readonly value: OctetString;
}

/** A header longer than this is cut: what is looked for is at its top. */
export const HEADER_OCTETS_MAX = 1_048_576;

/** The fields of a header; a line `From ` of a mailbox before them, and the body after them, are passed over. */
export function fieldsOf(message: OctetString): MessageField[] {
  const [header = ""] = message
    .replace(/^From [^\n]*\n/, "")
    .replaceAll("\r\n", "\n")
    .split("\n\n", 1);
  const fields: MessageField[] = [];
  for (const line of header.replace(/\n(?=[ \t])/g, "\0").split("\n")) {
    const match = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:[ \t]?(.*)$/s.exec(line.replaceAll("\0", "\n"));
    if (match !== null) fields.push({ name: match[1] ?? "", value: match[2] ?? "" });
  }
  return fields;
}

/**
 * What the message's topmost Received field and its Return-Path say of client, HELO and sender.
 * @throws UsageError where they do not
 */
export function queryOfMessage(fields: readonly MessageField[], file: string): Query {
  const first = (wanted: string): MessageField | undefined =>
    fields.find(({ name }) => name.toLowerCase() === wanted);
  const received = first("received");
  if (received === undefined) throw new UsageError(`${file} has no Received field`);
  const from = readReceived(received.value);
  if (from === undefined) {
    throw new UsageError(`the topmost Received field of ${file} names no client address`);
  }
  const returnPath = first("return-path");
  if (returnPath === undefined) {
    throw new UsageError(`${file} has no Return-Path field, so its sender is not known`);
  }
  const sender = /<([^<>]*)>/.exec(returnPath.value)?.[1] ?? returnPath.value.trim();
  return { ip: readIp(from.ip.text), helo: from.helo, sender, scope: "mfrom" };
}
