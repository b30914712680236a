import type { OctetString } from "../address/index.ts";

/** Under 78 columns, as RFC 5322 section 2.1.1 asks. */
const COLUMNS_MAX = 77;

/**
 * Words joined by spaces, with LF and a space in place of a space where a line would reach column 78. Inside
 * a word nothing is folded, so that a quoted value stays on one line.
 *
 * @param name the field's name, which stands with a colon and a space before the first word
 */
export function fold(name: string, words: readonly OctetString[]): OctetString {
  let column = name.length + 1;
  let value = "";
  for (const word of words) {
    if (value === "") {
      value = word;
      column += 1 + word.length;
    } else if (column + 1 + word.length > COLUMNS_MAX) {
      value += `\n ${word}`;
      column = 1 + word.length;
    } else {
      value += ` ${word}`;
      column += 1 + word.length;
    }
  }
  return value;
}

/**
 * The same for words in one piece, without cutting them out: to be used where every space parts two of them (in
 * a run of spaces the last). That is so in nearly all fields.
 */
export function foldText(name: string, text: OctetString): OctetString {
  let room = COLUMNS_MAX - name.length - 2;
  let value = "";
  let start = 0;
  while (text.length - start > room) {
    const end = partingSpace(text, start, start + room);
    if (end === -1) break;
    value += `${text.slice(start, end)}\n `;
    start = end + 1;
    room = COLUMNS_MAX - 1;
  }
  return value + text.slice(start);
}

/** The last space that parts words up to `last`; where there is none, the first behind it; else -1. */
function partingSpace(text: OctetString, start: number, last: number): number {
  const parts = (at: number): boolean => at + 1 < text.length && text[at + 1] !== " ";
  for (let at = text.lastIndexOf(" ", last); at > start; at = text.lastIndexOf(" ", at - 1)) {
    if (parts(at)) return at;
  }
  let at = text.indexOf(" ", last + 1);
  while (at !== -1 && !parts(at)) at = text.indexOf(" ", at + 1);
  return at;
}

/** The words of a text that begins with no space; in a run of spaces only the last parts words. */
export function wordsOf(text: OctetString): OctetString[] {
  return text.split(/ (?=\S)/);
}
