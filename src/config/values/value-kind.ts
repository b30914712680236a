import { quotedWhere, shown, type Value } from "../lines.ts";

/** What came of reading a value: the value and warnings, or why it cannot be used. Reasons are in words. */
export type Reading<T> =
  | { readonly value: T; readonly warnings: readonly string[] }
  | { readonly fault: string };

/** How the values of an option are written and read. */
export interface ValueKind<T> {
  /** What is accepted, in words: it ends every fault of this kind. */
  readonly accepted: string;
  readonly read: (value: Value) => Reading<T>;
  /** The value as the file would have it: read again it is the same. */
  format(value: T): string;
}

/** A value that can be used, and what the operator should know about it. */
export function good<T>(value: T, ...warnings: readonly string[]): Reading<T> {
  return { value, warnings };
}

/** A value that cannot be used. For {@link wordKind} and {@link textKind} the reason follows the quoted text. */
export function bad(fault: string): { readonly fault: string } {
  return { fault };
}

/** A kind whose values are one word; what follows it on the line is left unread, with a warning. */
export function wordKind<T>(
  accepted: string,
  read: (word: string) => Reading<T>,
  format: (value: T) => string,
): ValueKind<T> {
  return {
    accepted,
    format: (value) => quotedWhere(/["#\s]/, format(value)),
    read: ({ words: [first, ...others] }) => {
      const reading = readText(accepted, first ?? "", read);
      if ("fault" in reading || others.length === 0) return reading;
      const unread = `${shown(others.join(" "))} after ${shown(first ?? "")} is not read: a line takes one word`;
      return good(reading.value, ...reading.warnings, unread);
    },
  };
}

/** A kind whose values are the rest of the line. */
export function textKind<T>(
  accepted: string,
  read: (text: string) => Reading<T>,
  format: (value: T) => string,
): ValueKind<T> {
  return {
    accepted,
    format: (value) => quotedWhere(/["#]|^\s|\s$/, format(value)),
    read: ({ text, cut }) => {
      const reading = readText(accepted, text, read);
      return cut ? withCutWarning(reading) : reading;
    },
  };
}

/** A reading of a text whose end a comment has taken. */
export function withCutWarning<T>(reading: Reading<T>): Reading<T> {
  if ("fault" in reading) return reading;
  return good(
    reading.value,
    ...reading.warnings,
    "# begins a comment and cuts the text; in double quotes it does not",
  );
}

function readText<T>(accepted: string, text: string, read: (text: string) => Reading<T>): Reading<T> {
  if (text === "") return bad(`no value; accepted: ${accepted}`);
  const reading = read(text);
  return "fault" in reading ? bad(`${shown(text)} ${reading.fault}; accepted: ${accepted}`) : reading;
}
