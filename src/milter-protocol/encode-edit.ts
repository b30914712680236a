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

/**
 * Edits and the packet that ends them, as one buffer, so that end of message costs one write.
 * Names, values and paths are made safe first: see {@link headerName}, {@link headerValue}.
 */
export function encodeEdits(edits: readonly Edit[], response: Buffer): Buffer {
  if (edits.length === 0) return response;
  // Octets as a string: put together and written at once, that is quicker than piece by piece.
  let packets = "";
  for (const edit of edits) packets += editPacket(edit);
  const bytes = Buffer.allocUnsafe(packets.length + response.length);
  bytes.write(packets, "latin1");
  response.copy(bytes, packets.length);
  return bytes;
}

function editPacket(edit: Edit): string {
  switch (edit.kind) {
    case "addHeader":
      return packet(SMFIR_ADDHEADER, field(edit.name, edit.value));
    case "insertHeader":
      return packet(SMFIR_INSHEADER, word(edit.index) + field(edit.name, edit.value));
    case "changeHeader":
      return packet(SMFIR_CHGHEADER, word(edit.index) + field(edit.name, edit.value));
    case "addRecipient":
      return packet(
        edit.parameters === undefined ? SMFIR_ADDRCPT : SMFIR_ADDRCPT_PAR,
        strings(edit.path, edit.parameters),
      );
    case "deleteRecipient":
      return packet(SMFIR_DELRCPT, strings(edit.path));
    case "changeSender":
      return packet(SMFIR_CHGFROM, strings(edit.path, edit.parameters));
    case "replaceBody":
      return packet(SMFIR_REPLBODY, edit.bytes.toString("latin1"));
    case "quarantine":
      // MTAs take no empty reason.
      return packet(SMFIR_QUARANTINE, strings(edit.reason || "quarantined"));
  }
}

function packet(letter: number, octets: string): string {
  return word(1 + octets.length) + String.fromCharCode(letter) + octets;
}

/** Four octets in network order. Throws RangeError for what they cannot hold. */
function word(value: number): string {
  if (value !== value >>> 0) throw new RangeError(`${value} is no number of four octets`);
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

const field = (name: string, value: string): string => `${headerName(name)}\0${headerValue(value)}\0`;

function strings(first: string, second?: string): string {
  return second === undefined ? `${oneLine(first)}\0` : `${oneLine(first)}\0${oneLine(second)}\0`;
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
