import { readValueText } from "./lines.ts";
import type { ValueKind } from "./values/value-kind.ts";

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
 * What a setting holds while the option is not given: its default (single), undefined (optional), the value of
 * another option (follower); a list is empty, and an option given again adds to it.
 */
export type Form = "single" | "optional" | "follower" | "list";

/** message: PolicyFor may give the option for some mail only. daemon: it holds for all mail. */
export type Scope = "daemon" | "message";

/**
 * What a changed option asks of a running daemon: a reload; to drop what the caches hold as well, since verdicts or
 * answers may come out differently; a restart.
 */
export type Effect = "reload" | "cache" | "restart";

/** One option of smf-spf.conf. `T` is one value: that of one entry where the option is a list. */
export interface Option<
  T = unknown,
  N extends string = string,
  F extends Form = Form,
  S extends Scope = Scope,
> {
  /** As documents and messages spell it. */
  readonly name: N;
  readonly section: Section;
  readonly kind: ValueKind<T>;
  readonly form: F;
  readonly scope: S;
  readonly effect: Effect;
  /** The default as the file would have it; only a single option has one. */
  readonly default: string | undefined;
  /** The default in words, for the man page. */
  readonly defaultText: string;
  /** The key of the option whose value a follower has. */
  readonly follows: string | undefined;
  /** Of list entries with the same key only the last is used. */
  readonly entryKey: ((entry: unknown) => string) | undefined;
  /** What the sample file shows after the comment sign. */
  readonly sample: string;
  /** One line for lists of options. */
  readonly help: string;
}

interface Facts {
  readonly effect?: Effect;
  readonly defaultText?: string;
}

/** Makes the rows of one section of the table. */
export interface Rows<S extends Scope> {
  /** An option that has a default. */
  option<T, const N extends string>(
    name: N,
    kind: ValueKind<T>,
    defaultValue: string,
    help: string,
    facts?: Facts,
  ): Option<T, N, "single", S>;
  /** An option without a default. */
  optional<T, const N extends string>(
    name: N,
    kind: ValueKind<T>,
    sample: string,
    help: string,
    facts?: Facts,
  ): Option<T, N, "optional", S>;
  /** An option that has the value of another while it is not given. */
  follower<T, const N extends string>(
    name: N,
    kind: ValueKind<T>,
    followed: Pick<Option<T>, "name"> & { readonly key: string },
    help: string,
  ): Option<T, N, "follower", S>;
  /** An option that may be given many times, and that takes `file:/path`. */
  list<T, const N extends string>(
    name: N,
    kind: ValueKind<T>,
    sample: string,
    help: string,
    facts?: Facts & { readonly entryKey?: (entry: T) => string },
  ): Option<T, N, "list", S>;
}

/** Makes rows of that section and scope. */
export function rows<S extends Scope>(section: Section, scope: S): Rows<S> {
  const common = { section, scope, effect: "reload", default: undefined, defaultText: "none" } as const;
  const nothing = { follows: undefined, entryKey: undefined };
  return {
    option: (name, kind, value, help, facts) => ({
      ...{ ...common, ...nothing, form: "single", name, kind, help },
      ...{ default: value, defaultText: value, sample: value, ...facts },
    }),
    optional: (name, kind, sample, help, facts) => ({
      ...{ ...common, ...nothing, form: "optional", name, kind, help, sample, ...facts },
    }),
    follower: (name, kind, followed, help) => ({
      ...{ ...common, ...nothing, form: "follower", name, kind, help },
      ...{ follows: followed.key, defaultText: `as ${followed.name}`, sample: "on" },
    }),
    list: (name, kind, sample, help, { entryKey, ...facts } = {}) => ({
      ...{ ...common, ...nothing, form: "list", name, kind, help, sample, ...facts },
      // The entries come from the kind of this very row.
      entryKey: entryKey as ((entry: unknown) => string) | undefined,
    }),
  };
}

/** The default of an option that has one. Throws where the table has a mistake. */
export function defaultValue<T>({ name, kind, default: text }: Option<T>): T {
  const reading = kind.read(readValueText(text ?? ""));
  if ("fault" in reading) throw new Error(`unreadable default of ${name}: ${reading.fault}`);
  return reading.value;
}
