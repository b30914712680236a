import { readValueText } from "../lines.ts";
import type { Settings } from "../settings.ts";
import type { ValueKind } from "../values/value-kind.ts";

/** The sections of sample file and man page, in their order. */
export const SECTIONS = [
  "who is not checked",
  "what is evaluated",
  "what is done",
  "headers",
  "memory",
  "process",
] as const;

/** The section an option is described in. */
export type Section = (typeof SECTIONS)[number];

/**
 * What a changed option asks of a running daemon: nothing more than the new settings, to drop what the caches
 * hold (verdicts or answers may come out differently), or a restart.
 */
export type OnReload = "in flight" | "clears the cache" | "restart";

/** One option of smf-spf.conf: how it is written, and what every document and message about it says. */
export interface Option<T> {
  readonly section: Section;
  readonly kind: ValueKind<T>;
  /** Given again it adds; `file:/path` names a list file. */
  readonly list: boolean;
  /** The default as the file would have it; undefined where there is none or another option decides. */
  readonly standard: string | undefined;
  /** How the man page names the default. */
  readonly standardInWords: string;
  /** What the sample file shows, behind a comment sign. */
  readonly sample: string;
  /** One line for lists of options. */
  readonly help: string;
  readonly onReload: OnReload;
  /** What of the settings the option decides; compared to find out what a reload changed. */
  readonly of: (settings: Settings) => unknown;
}

interface OptionFacts {
  readonly section: Section;
  readonly help: string;
  readonly onReload?: OnReload;
  readonly of: (settings: Settings) => unknown;
}

/** An option that has a default. */
export function option<T>(kind: ValueKind<T>, standard: string, facts: OptionFacts): Option<T> {
  return {
    onReload: "in flight",
    ...facts,
    kind,
    list: false,
    standard,
    standardInWords: standard,
    sample: standard,
  };
}

/** An option without a default of its own: `standardInWords` says what holds while it is not given. */
export function optional<T>(
  kind: ValueKind<T>,
  standardInWords: string,
  sample: string,
  facts: OptionFacts,
): Option<T> {
  return { onReload: "in flight", ...facts, kind, list: false, standard: undefined, standardInWords, sample };
}

/** An option that may be given many times. */
export function list<T>(
  kind: ValueKind<T>,
  sample: string,
  facts: OptionFacts & { standardInWords?: string },
): Option<T> {
  return {
    onReload: "in flight",
    standardInWords: "none",
    ...facts,
    kind,
    list: true,
    standard: undefined,
    sample,
  };
}

/** The value that an option has while it is not given. Throws where it has no default. */
export function standardValue<T>({ kind, standard }: Option<T>): T {
  const reading = kind.read(readValueText(standard ?? ""));
  if ("fault" in reading) throw new Error(`unreadable default: ${reading.fault}`);
  return reading.value;
}
