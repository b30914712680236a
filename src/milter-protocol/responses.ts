/** What a filter answers: responses and edits, and the packets they are sent as. */
import {
  REPLY_LINE_OCTETS_MAX,
  REPLY_LINES_MAX,
  SMFIR_ACCEPT,
  SMFIR_ADDHEADER,
  SMFIR_ADDRCPT,
  SMFIR_ADDRCPT_PAR,
  SMFIR_CHGFROM,
  SMFIR_CHGHEADER,
  SMFIR_CONTINUE,
  SMFIR_DELRCPT,
  SMFIR_DISCARD,
  SMFIR_INSHEADER,
  SMFIR_QUARANTINE,
  SMFIR_REJECT,
  SMFIR_REPLBODY,
  SMFIR_REPLYCODE,
  SMFIR_TEMPFAIL,
} from "./constants.ts";

/** The answer to one command. */
export type Response =
  | { readonly kind: "continue" | "accept" | "reject" | "discard" | "tempfail" }
  | {
      /** SMFIR_REPLYCODE: every line gets the code, `%` is doubled when it is written. */
      readonly kind: "reply";
      /** Three digits, 4xx or 5xx. */
      readonly code: string;
      /** RFC 3463, same class as the code. */
      readonly enhanced: string;
      /** Printable ASCII; without code and enhanced code. */
      readonly lines: readonly string[];
    };

/**
 * A change to the message, allowed between end of message and its final answer. Header values are without
 * the one space after the colon, which the MTA writes; further lines of a folded value begin after LF with
 * a space or tab.
 */
export type Edit =
  /** At the end of the header. */
  | { readonly kind: "addHeader"; readonly name: string; readonly value: string }
  /** `index` counts all fields from the top; 0 is above everything, the MTA's own Received too. */
  | { readonly kind: "insertHeader"; readonly index: number; readonly name: string; readonly value: string }
  | {
      /** `index` counts fields of that name from 1; an empty value deletes. */
      readonly kind: "changeHeader";
      readonly index: number;
      readonly name: string;
      readonly value: string;
    }
  /** The envelope form, with angle brackets; with ESMTP parameters it is SMFIR_ADDRCPT_PAR. */
  | { readonly kind: "addRecipient"; readonly path: string; readonly parameters?: string }
  /** Exactly as the recipient was given in RCPT. */
  | { readonly kind: "deleteRecipient"; readonly path: string }
  /** SMFIR_CHGFROM. */
  | { readonly kind: "changeSender"; readonly path: string; readonly parameters?: string }
  /** One stretch of a new body; the first replaces the old one, further ones are appended. */
  | { readonly kind: "replaceBody"; readonly bytes: Buffer }
  | { readonly kind: "quarantine"; readonly reason: string };

/** Edits in the order they are sent, then the final response, all in one write. */
export interface EndOfMessageResponse {
  readonly edits: readonly Edit[];
  readonly response: Response;
}

/** Go on. */
export const CONTINUE: Response = { kind: "continue" };
/** Nothing more is asked about this connection or message. */
export const ACCEPT: Response = { kind: "accept" };
/** The MTA's own words for "come back later". */
export const TEMPFAIL: Response = { kind: "tempfail" };

const bare = (letter: number): Buffer => Buffer.from([0, 0, 0, 1, letter]);

const BARE: Readonly<Record<Exclude<Response["kind"], "reply">, Buffer>> = {
  continue: bare(SMFIR_CONTINUE),
  accept: bare(SMFIR_ACCEPT),
  reject: bare(SMFIR_REJECT),
  discard: bare(SMFIR_DISCARD),
  tempfail: bare(SMFIR_TEMPFAIL),
};

/**
 * The packet of a response. The bytes may be shared between calls: do not write to them.
 * Throws RangeError for a reply code that is not 4xx or 5xx.
 */
export function encodeResponse(response: Response, replyLinesMax: number = REPLY_LINES_MAX): Buffer {
  if (response.kind !== "reply") return BARE[response.kind];
  const text = replyText(response, replyLinesMax);
  const packet = Buffer.allocUnsafe(4 + 1 + text.length + 1);
  packet.writeUInt32BE(packet.length - 4, 0);
  packet[4] = SMFIR_REPLYCODE;
  packet.write(text, 5, "latin1");
  packet[packet.length - 1] = 0;
  return packet;
}

type Reply = Extract<Response, { kind: "reply" }>;

const CODE = /^[45][0-5][0-9]$/;
const ENHANCED = /^[245](\.[0-9]{1,3}\.[0-9]{1,3})$/;

/**
 * The text of SMFIR_REPLYCODE: `550-5.7.23 first` CR LF `550 5.7.23 last`. Whatever the lines hold, the
 * result is printable ASCII, no line ends early or is too long, and every line has the code. A `%` is
 * doubled: Sendmail formats the text, and a single one makes it throw the whole reply away. A class of the
 * enhanced code that differs from the reply code's is corrected (RFC 2034 section 4).
 * Throws RangeError where the code is not 4xx or 5xx: MTAs refuse such a reply and then go on without the filter.
 */
export function replyText(reply: Reply, linesMax: number = REPLY_LINES_MAX): string {
  const { code } = reply;
  if (!CODE.test(code)) throw new RangeError(`reply code ${JSON.stringify(code)} is not 4xx or 5xx`);
  const enhanced = code.charAt(0) + (ENHANCED.exec(reply.enhanced)?.[1] ?? ".0.0");
  const room = REPLY_LINE_OCTETS_MAX - `${code} ${enhanced} \r\n`.length;
  const lines = reply.lines.flatMap((line) => pieces(printable(line), room)).slice(0, linesMax);
  if (lines.length === 0) lines.push(code.startsWith("4") ? "Try again later" : "Refused");
  const last = lines.length - 1;
  return lines.map((line, i) => `${code}${i === last ? " " : "-"}${enhanced} ${line}`).join("\r\n");
}

function printable(line: string): string {
  return line.replace(/[^\x20-\x7e]/g, "?").replaceAll("%", "%%");
}

/** Cuts a line that is too long, at a space where there is one, and never inside a doubled `%`. */
function pieces(line: string, room: number): string[] {
  const found: string[] = [];
  let rest = line;
  while (rest.length > room) {
    const space = rest.lastIndexOf(" ", room);
    const cut = space > 0 ? space : room - (percentsBefore(rest, room) % 2);
    found.push(rest.slice(0, cut));
    rest = rest.slice(space > 0 ? cut + 1 : cut);
  }
  found.push(rest);
  return found;
}

/** How many `%` come directly before `end`: an odd number means that `end` is inside a pair. */
function percentsBefore(text: string, end: number): number {
  let at = end;
  while (at > 0 && text.charAt(at - 1) === "%") at--;
  return end - at;
}

/**
 * Edits and the packet that ends them, as one buffer, so that end of message costs one write.
 * Names, values and paths are made safe first: see {@link headerName}, {@link headerValue}.
 */
export function encodeEdits(edits: readonly Edit[], response: Buffer): Buffer {
  if (edits.length === 0) return response;
  // Octets as a string, written at once: piece by piece a message costs 5 to 8 % more (`oneString` of tuning.ts, Node 20).
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
  if (value !== value >>> 0) throw new RangeError(`${value} does not fit into four octets`);
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

/** What an MTA understands of responses and edits. */
export interface ResponseTerms {
  /** Edits that this MTA carries out for us: those needed and offered. */
  readonly edits: ReadonlySet<Edit["kind"]>;
  /** Whether it knows SMFIR_INSHEADER; where not, fields are added at the end of the header. */
  readonly insertsHeaders: boolean;
  /** 1 where a reply of several lines is not understood. */
  readonly replyLinesMax: number;
}

/**
 * Edits and the final answer as the MTA understands them, in one buffer. Edits are left out where the
 * message is refused or discarded. An edit that was not negotiated is left out and reported: a handler that
 * has looked at the offer asks for none. Throws RangeError for a reply or an index that cannot be encoded.
 */
export function encodeEndOfMessage(
  { edits, response }: EndOfMessageResponse,
  terms: ResponseTerms | undefined,
  report: (error: unknown) => void,
): Buffer {
  const final = encodeResponse(response, terms?.replyLinesMax);
  const goesOn = response.kind === "continue" || response.kind === "accept";
  if (!goesOn || terms === undefined || edits.length === 0) return final;
  const { edits: negotiated, insertsHeaders } = terms;
  const possible = edits.filter(({ kind }) => {
    if (negotiated.has(kind)) return true;
    report(new Error(`edit ${kind} was not negotiated and is left out`));
    return false;
  });
  return encodeEdits(insertsHeaders ? possible : possible.map(withoutIndex), final);
}

/** SMFIR_INSHEADER for an MTA that does not know it: the field goes to the end of the header. */
function withoutIndex(edit: Edit): Edit {
  return edit.kind === "insertHeader" ? { kind: "addHeader", name: edit.name, value: edit.value } : edit;
}
