/** What a kind of value is, and the plain ones: words, numbers, times. */
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

/** Other spellings of on and off. */
const ON_OFF: Readonly<Record<string, string>> = {
  yes: "on",
  true: "on",
  "1": "on",
  no: "off",
  false: "off",
  "0": "off",
};

/** One of some words, in upper or lower case; where `on` or `off` is among them, also yes, no, true, false, 1, 0. */
export function choice<const T extends string>(...words: readonly T[]): ValueKind<T> {
  const hasOnOff = words.some((word) => word === "on" || word === "off");
  const accepted = `${listed(words)}${hasOnOff ? " (or yes, no, true, false, 1, 0)" : ""}`;
  return wordKind(
    "value",
    accepted,
    (word) => {
      const lower = word.toLowerCase();
      const meant = hasOnOff ? (ON_OFF[lower] ?? lower) : lower;
      const found = words.find((candidate) => candidate.toLowerCase() === meant);
      return found === undefined ? invalid() : ok(found);
    },
    String,
  );
}

const onOffWords = choice("on", "off");

/** on or off, as a boolean. */
export const onOff: ValueKind<boolean> = {
  accepted: onOffWords.accepted,
  format: (value) => (value ? "on" : "off"),
  read: (value) => {
    const reading = onOffWords.read(value);
    return "fault" in reading ? reading : ok(reading.value === "on", ...reading.warnings);
  },
};

/** A decimal number in a range, both ends included. */
export function count(min: number, max: number): ValueKind<number> {
  return wordKind(
    "number",
    `a number from ${min} to ${max}`,
    (word) => {
      if (!/^\d+$/.test(word)) return invalid();
      const number = Number(word);
      return number < min || number > max ? invalid() : ok(number);
    },
    String,
  );
}

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** A span of time as {@link timeSeconds} reads it, in milliseconds. */
export function timeMs(minSeconds: number, maxSeconds: number): ValueKind<number> {
  const seconds = timeSeconds(minSeconds, maxSeconds);
  return {
    accepted: seconds.accepted,
    format: (ms) => spelledTime(ms / 1000),
    read: (value) => {
      const reading = seconds.read(value);
      return "fault" in reading ? reading : ok(reading.value * 1000, ...reading.warnings);
    },
  };
}

/** A span of time in a range, in seconds: a number, and s, m, h or d after it where it is not seconds. */
export function timeSeconds(minSeconds: number, maxSeconds: number): ValueKind<number> {
  const accepted =
    `a number of seconds, or a number with s, m, h or d, ` +
    `from ${spelledTime(minSeconds)} to ${spelledTime(maxSeconds)}`;
  const kind = wordKind(
    "time",
    accepted,
    (word) => {
      const [, digits, unit = "s"] = /^(\d+)([smhd])?$/i.exec(word) ?? [];
      if (digits === undefined) return invalid();
      const seconds = Number(digits) * UNIT_SECONDS[unit.toLowerCase() as keyof typeof UNIT_SECONDS];
      if (seconds < minSeconds) return invalid("too short");
      return seconds > maxSeconds ? invalid("too long") : ok(seconds);
    },
    spelledTime,
  );
  return {
    ...kind,
    read: (value) => {
      const reading = kind.read(value);
      const [digits = "", unit = ""] = value.words;
      if ("fault" in reading || !/^\d+$/.test(digits) || !/^[smhd]$/i.test(unit)) return reading;
      const meant = `read as ${spelledTime(reading.value)}; write ${digits}${unit} without a space`;
      return ok(reading.value, ...reading.warnings, meant);
    },
  };
}

/** A span of time as the file would have it, in its largest whole unit. */
function spelledTime(seconds: number): string {
  for (const unit of ["d", "h", "m"] as const) {
    if (seconds >= UNIT_SECONDS[unit] && seconds % UNIT_SECONDS[unit] === 0) {
      return `${seconds / UNIT_SECONDS[unit]}${unit}`;
    }
  }
  return `${seconds}s`;
}

/** Permissions of a file, as chmod takes them in digits. */
export const octalMode: ValueKind<number> = wordKind(
  "mode",
  "octal permissions such as 0600 or 0660",
  (word) => {
    if (!/^[0-7]{3,4}$/.test(word)) return invalid();
    const mode = Number.parseInt(word, 8);
    return mode > 0o777 ? invalid("a socket has no set-user-ID, set-group-ID or sticky bit") : ok(mode);
  },
  (mode) => mode.toString(8).padStart(4, "0"),
);

/** `a, b or c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;
}
