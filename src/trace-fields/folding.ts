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

/** The words of a text that begins with no space; in a run of spaces only the last parts words. */
export function wordsOf(text: OctetString): OctetString[] {
  return text.split(/ (?=\S)/);
}
