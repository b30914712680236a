/** What follows the name of an option, without comments and quotation marks. */
export interface Value {
  /** All of it; unquoted white space at both ends is gone, a tab is a space. */
  readonly text: string;
  /** The same, cut at unquoted white space. */
  readonly words: readonly string[];
  /** A comment cut the last word off in the middle: `[SPF#fail]`. */
  readonly cut: boolean;
}

/** One line that says something; empty lines and comments are left out. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  /** The name of the option as written; empty in a list file and where the line begins with no name. */
  readonly name: string;
  readonly value: Value;
  /** Why the line cannot be read, in words; the value then is not to be used. */
  readonly problem: string | undefined;
}

const NO_VALUE: Value = { text: "", words: [], cut: false };
const NO_TEXT_FILE = "contains a NUL byte: not a text file, or UTF-16";

/**
 * The lines of a configuration file: `Key value`, `#` starts a comment outside of double quotes. Ends of line
 * are LF or CRLF, a byte order mark is skipped. Reading stops at the first NUL.
 */
export function readLines(text: string): Line[] {
  return splitLines(text, readOptionLine);
}

/** The lines of a list file: one entry a line, the same comments and quotation marks, no names of options. */
export function readEntries(text: string): Line[] {
  return splitLines(text, (line, number) => ({ number, name: "", ...readValue(line) }));
}

/** The value that a text spells where it is known to be well formed: the defaults of the option table. */
export function readValueText(text: string): Value {
  return readValue(text).value;
}

/** A value of one word, which may hold white space; an empty text is not a word. */
export function oneWord(text: string): Value {
  return { text, words: text === "" ? [] : [text], cut: false };
}

/** A text as it is written in a file: in double quotes where it has what `pattern` finds. */
export function quotedWhere(pattern: RegExp, text: string): string {
  return pattern.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;
}

function splitLines(text: string, read: (line: string, number: number) => Line): Line[] {
  const lines: Line[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    const number = index + 1;
    if (raw.includes("\0")) {
      lines.push({ number, name: "", value: NO_VALUE, problem: NO_TEXT_FILE });
      break;
    }
    const line = raw.replace(/\r$/, "");
    if (!/^[ \t]*(?:#|$)/.test(line)) lines.push(read(line, number));
  }
  return lines;
}

function readOptionLine(line: string, number: number): Line {
  const [start = "", name = ""] = /^[ \t]*([^ \t#"]*)/.exec(line) ?? [];
  if (name === "") {
    return {
      number,
      name,
      value: NO_VALUE,
      problem: "a line must begin with the name of an option, without quotation marks",
    };
  }
  return { number, name, ...readValue(line.slice(start.length)) };
}

function readValue(source: string): { value: Value; problem: string | undefined } {
  const words: string[] = [];
  let text = "";
  let space = "";
  let word: string | undefined;
  let quoted = false;
  let cut = false;
  for (let at = 0; at < source.length; at++) {
    let char = source.charAt(at);
    if (char === "\t") char = " ";
    if (quoted && char === "\\" && /["\\]/.test(source.charAt(at + 1))) {
      char = source.charAt(++at);
    } else if (char === '"') {
      quoted = !quoted;
      word ??= "";
      continue;
    } else if (!quoted && char === "#") {
      cut = word !== undefined;
      break;
    } else if (!quoted && char === " ") {
      if (word !== undefined) words.push(word);
      word = undefined;
      if (words.length > 0) space += char;
      continue;
    }
    text += space + char;
    space = "";
    word = (word ?? "") + char;
  }
  if (word !== undefined) words.push(word);
  return {
    value: { text, words, cut },
    problem: quoted ? "missing closing quotation mark" : strangeIn(text),
  };
}

/** Names the first character that has no place in a configuration file. */
function strangeIn(text: string): string | undefined {
  if (text.includes("\uFFFD")) return "the value is not valid UTF-8";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  const control = /[\x01-\x1f\x7f-\x9f]/.exec(text)?.[0];
  if (control === undefined) return undefined;
  return `the value contains the control character ${codePoint(control)}`;
}

/**
 * A text as a message shows it: in quotation marks, invisible characters by their code, cut after 80
 * characters.
 */
export function shown(text: string): string {
  const whole = visible(text);
  return `"${whole.length > 80 ? `${whole.slice(0, 77)}...` : whole}"`;
}

/** A text with its invisible characters as their codes. */
export function visible(text: string): string {
  return text.replace(/[^\P{C}]|[^\P{Z} ]/gu, codePoint);
}

function codePoint(char: string): string {
  return `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
