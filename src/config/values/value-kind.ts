import { quotedWhere, shown, type Value } from "../lines.ts";

/** What came of reading a value: the value and warnings, or why it cannot be used. Reasons are in words. */
export type Reading<T> =
  | { readonly value: T; readonly warnings: readonly string[] }
  | { readonly fault: string };

/** How the values of an option are written and read. */
export interface ValueKind<T> {
  /** What is expected, in words: it ends every fault of this kind. */
  readonly accepted: string;
  readonly read: (value: Value) => Reading<T>;
  /** The value as the file would have it: read again it is the same. */
  format(value: T): string;
}

/** A value that can be used, and what the operator should know about it. */
export function ok<T>(value: T, ...warnings: readonly string[]): Reading<T> {
  return { value, warnings };
}

/**
 * A value that cannot be used. {@link wordKind} and {@link textKind} say themselves what was read and what is
 * expected; here is why, where that does not say it.
 */
export function invalid(fault = ""): { readonly fault: string } {
  return { fault };
}

/** A kind whose values are one word; what follows it on the line is ignored, with a warning. */
export function wordKind<T>(
  noun: string,
  accepted: string,
  read: (word: string) => Reading<T>,
  format: (value: T) => string,
): ValueKind<T> {
  return {
    accepted,
    format: (value) => quotedWhere(/["#\s]/, format(value)),
    read: ({ words: [first, ...others] }) => {
      const reading = readText(noun, accepted, first ?? "", read);
      if ("fault" in reading || others.length === 0) return reading;
      const unread = `${shown(others.join(" "))} is ignored: give one ${noun} per line`;
      return ok(reading.value, ...reading.warnings, unread);
    },
  };
}

/** A kind whose values are the rest of the line. */
export function textKind<T>(
  noun: string,
  accepted: string,
  read: (text: string) => Reading<T>,
  format: (value: T) => string,
): ValueKind<T> {
  return {
    accepted,
    format: (value) => quotedWhere(/["#]|^\s|\s$/, format(value)),
    read: ({ text, cut }) => {
      const reading = readText(noun, accepted, text, read);
      return cut ? withCutWarning(reading) : reading;
    },
  };
}

/** A reading of a text whose end a comment has taken. */
export function withCutWarning<T>(reading: Reading<T>): Reading<T> {
  if ("fault" in reading) return reading;
  return ok(
    reading.value,
    ...reading.warnings,
    '"#" starts a comment and cuts off the rest; put the value in double quotes to keep it',
  );
}

/** `invalid NOUN "TEXT": WHY; expected ACCEPTED`. */
function readText<T>(
  noun: string,
  accepted: string,
  text: string,
  read: (text: string) => Reading<T>,
): Reading<T> {
  if (text === "") return invalid(`missing ${noun}: expected ${accepted}`);
  const reading = read(text);
  if (!("fault" in reading)) return reading;
  const why = reading.fault === "" ? "" : `${reading.fault}; `;
  return invalid(`invalid ${noun} ${shown(text)}: ${why}expected ${accepted}`);
}
