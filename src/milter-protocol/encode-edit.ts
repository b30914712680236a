import {
  SMFIR_ADDHEADER,
  SMFIR_ADDRCPT,
  SMFIR_ADDRCPT_PAR,
  SMFIR_CHGFROM,
  SMFIR_CHGHEADER,
  SMFIR_DELRCPT,
  SMFIR_INSHEADER,
  SMFIR_QUARANTINE,
  SMFIR_REPLBODY,
} from "./constants.ts";
import type { Edit } from "./response.ts";

/** An edit laid out for the wire: octet, index where the kind has one, then octets, NULs and all. */
interface Layout {
  readonly letter: number;
  readonly index: number | undefined;
  readonly octets: string;
}

/**
 * Edits and the packet that ends them, as one buffer, so that end of message costs one write.
 * Names, values and paths are made safe first: see {@link headerName}, {@link headerValue}.
 */
export function encodeEdits(edits: readonly Edit[], response: Buffer): Buffer {
  if (edits.length === 0) return response;
  const layouts = edits.map(layout);
  const bytes = Buffer.allocUnsafe(layouts.reduce((sum, l) => sum + packetBytes(l), response.length));
  let at = 0;
  for (const l of layouts) at = write(l, bytes, at);
  response.copy(bytes, at);
  return bytes;
}

function layout(edit: Edit): Layout {
  switch (edit.kind) {
    case "addHeader":
      return { letter: SMFIR_ADDHEADER, index: undefined, octets: field(edit.name, edit.value) };
    case "insertHeader":
      return { letter: SMFIR_INSHEADER, index: edit.index, octets: field(edit.name, edit.value) };
    case "changeHeader":
      return { letter: SMFIR_CHGHEADER, index: edit.index, octets: field(edit.name, edit.value) };
    case "addRecipient":
      return {
        letter: edit.parameters === undefined ? SMFIR_ADDRCPT : SMFIR_ADDRCPT_PAR,
        index: undefined,
        octets: strings(edit.path, edit.parameters),
      };
    case "deleteRecipient":
      return { letter: SMFIR_DELRCPT, index: undefined, octets: strings(edit.path) };
    case "changeSender":
      return { letter: SMFIR_CHGFROM, index: undefined, octets: strings(edit.path, edit.parameters) };
    case "replaceBody":
      return { letter: SMFIR_REPLBODY, index: undefined, octets: edit.bytes.toString("latin1") };
    case "quarantine":
      // MTAs take no empty reason.
      return { letter: SMFIR_QUARANTINE, index: undefined, octets: strings(edit.reason || "quarantined") };
  }
}

const field = (name: string, value: string): string => `${headerName(name)}\0${headerValue(value)}\0`;

function strings(first: string, second?: string): string {
  return second === undefined ? `${oneLine(first)}\0` : `${oneLine(first)}\0${oneLine(second)}\0`;
}

function packetBytes({ index, octets }: Layout): number {
  return (index === undefined ? 5 : 9) + octets.length;
}

function write(l: Layout, bytes: Buffer, start: number): number {
  bytes.writeUInt32BE(packetBytes(l) - 4, start);
  let at = start + 4;
  bytes[at++] = l.letter;
  if (l.index !== undefined) at = bytes.writeUInt32BE(l.index, at);
  return at + bytes.write(l.octets, at, "latin1");
}

/** A field name of RFC 5322 section 2.2: printable ASCII without colon; other octets are left out. */
export function headerName(name: string): string {
  return /[^\x21-\x39\x3b-\x7e]/.test(name) ? name.replace(/[^\x21-\x39\x3b-\x7e]/g, "") : name;
}

/**
 * A field value as the MTAs want it: LF alone between lines, no NUL, no CR, octets only. An LF that would
 * end the field, or leave a line of nothing but white space, becomes a space: a value can never start
 * another field or the body.
 */
export function headerValue(value: string): string {
  // Nearly all values have nothing of it, and one look is quicker than three.
  if (!/[\0\r]|[^\0-\xff]|\n(?![ \t]+[^ \t\n])/.test(value)) return value;
  return value
    .replace(/[\0\r]/g, "")
    .replace(/[^\0-\xff]/g, "?")
    .replace(/\n(?![ \t]+[^ \t\n])/g, " ");
}

function oneLine(text: string): string {
  return text.replace(/[\0-\x1f\x7f]/g, "").replace(/[^\0-\xff]/g, "?");
}
