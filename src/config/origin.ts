import type { Origin } from "../policy/index.ts";
import type { Location } from "./given.ts";

export type { Origin };

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
