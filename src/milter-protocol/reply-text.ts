import { REPLY_LINE_BYTES_MAX, REPLY_LINES_MAX } from "./constants.ts";
import type { Response } from "./response.ts";

type Reply = Extract<Response, { kind: "reply" }>;

const CODE = /^[45][0-5][0-9]$/;
const ENHANCED = /^[245](\.[0-9]{1,3}\.[0-9]{1,3})$/;

/**
 * The text of SMFIR_REPLYCODE: `550-5.7.23 first` CR LF `550 5.7.23 last`. Whatever the lines hold, the
 * result is printable ASCII, no line ends early or is too long, and every line has the code. A `%` is
 * doubled: Sendmail formats the text, and a single one makes it throw the whole reply away. A class of the
 * enhanced code that differs from the reply code's is corrected (RFC 2034 section 4).
 * Throws RangeError where the code is not 4xx or 5xx: MTAs refuse such a reply and then go without filter.
 */
export function replyText(reply: Reply, linesMax: number = REPLY_LINES_MAX): string {
  const { code } = reply;
  if (!CODE.test(code)) throw new RangeError(`reply code ${JSON.stringify(code)} is not 4xx or 5xx`);
  const enhanced = code.charAt(0) + (ENHANCED.exec(reply.enhanced)?.[1] ?? ".0.0");
  const room = REPLY_LINE_BYTES_MAX - `${code} ${enhanced} \r\n`.length;
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

/** How many `%` stand directly before `end`: an odd number means that `end` is inside a pair. */
function percentsBefore(text: string, end: number): number {
  let at = end;
  while (at > 0 && text.charAt(at - 1) === "%") at--;
  return end - at;
}
