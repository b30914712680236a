/** What the files and the environment give, and where. */
import type { Origin } from "../policy/index.ts";
import type { MessageKey, OptionKey, ValueOf } from "./table.ts";

/** A fault or warning: `file:line: option: reason`. Line 0 where no line is to blame. */
export interface Fault {
  readonly file: string;
  readonly line: number;
  /** As written in the file; empty where the line has none. */
  readonly option: string;
  readonly reason: string;
}

/** Where a value is given: what a {@link Fault} has without its reason. */
export type Location = Omit<Fault, "reason">;

/** `file:line: option: reason`; what a fault does not have is left out. */
export function formatFault({ file, line, option, reason }: Fault): string {
  const place = line > 0 ? `${file}:${line}` : file;
  return option === "" ? `${place}: ${reason}` : `${place}: ${option}: ${reason}`;
}

/** A value and where it is given. */
export interface GivenValue<T> {
  readonly value: T;
  readonly location: Location;
}

/** All that was given, in the order of the files; options that were not given are not there. */
export type Given = { [K in OptionKey]?: GivenValue<ValueOf<K>>[] };

/** What a PolicyFor line gives. */
export type GivenForMessage = Partial<MessageValues>;

type MessageValues = { readonly [K in MessageKey]: ValueOf<K> };

/** The last value given for an option, and where. */
export function lastGiven<K extends OptionKey>(given: Given, key: K): GivenValue<ValueOf<K>> | undefined {
  return allGiven(given, key).at(-1);
}

/** The last value given for an option. */
export function valueOf<K extends OptionKey>(given: Given, key: K): ValueOf<K> | undefined {
  return lastGiven(given, key)?.value;
}

/** All that is given for an option. */
export function allGiven<K extends OptionKey>(given: Given, key: K): readonly GivenValue<ValueOf<K>>[] {
  return given[key] ?? [];
}

/** The options of a PolicyFor line, with the types that the table gives them; the reader of lines knows no table. */
export function givenByLine(line: ValueOf<"policyFor">): GivenForMessage {
  return line.given;
}

/** The name under which faults of environment variables are reported. */
export const ENVIRONMENT = "environment variable";

/** The origin of a value that a line or the environment gives. */
export function originAt({ file, line, option }: Location): Origin {
  return file === ENVIRONMENT
    ? new ConfigOrigin("environment", "", 0, `environment ${option}`)
    : new ConfigOrigin("file", file, line);
}

/** The origin of a value that a step of SPFBehavior sets. */
export function originOfBehavior(step: number, behavior: Origin): Origin {
  return new ConfigOrigin(
    "SPFBehavior",
    behavior.file,
    behavior.line,
    `SPFBehavior ${step}, ${behavior.text}`,
  );
}

/** Of a value that nothing was given for. */
export const DEFAULT_ORIGIN: Origin = { kind: "default", file: "", line: 0, text: "default" };

/** Of ReportOnly, where the command line says `-n`. */
export const DRY_RUN_ORIGIN: Origin = { kind: "command line", file: "", line: 0, text: "-n" };

/** A list may have a million entries: the text of their places is made when it is asked for. */
class ConfigOrigin implements Origin {
  readonly kind: Origin["kind"];
  readonly file: string;
  readonly line: number;
  readonly #text: string | undefined;

  constructor(kind: Origin["kind"], file: string, line: number, text?: string) {
    this.kind = kind;
    this.file = file;
    this.line = line;
    this.#text = text;
  }

  get text(): string {
    return this.#text ?? `${this.file}:${this.line}`;
  }
}
