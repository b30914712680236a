/** What is in force, as the lines of a smf-spf.conf: all of it, and the lines that decide about mail. */
import { isDeepStrictEqual } from "node:util";
import { KEYS_OF_BEHAVIOR, type OptionSettings } from "./settings.ts";
import { defaultValue, OPTION_KEYS, OPTIONS, type Option, type OptionKey, type OptionName } from "./table.ts";

type Row = Option<unknown, OptionName>;

/**
 * The settings as the lines of a smf-spf.conf, each with its origin: `Option value  # origin`, for a list option one
 * line each entry, `# Option  # default` where there is no value. Read again they give the same settings.
 *
 * @param changed only the options whose value differs from the default
 */
export function showConfig(options: OptionSettings, { changed = false } = {}): string[] {
  return OPTION_KEYS.flatMap((key) => (changed && isAsByDefault(key, options) ? [] : linesOf(key, options)));
}

function linesOf(key: OptionKey, { values, origins }: OptionSettings): string[] {
  const option: Row = OPTIONS[key];
  const { name, form, kind } = option;
  const [origin] = origins[name];
  const value: unknown = values[key];
  if (form === "list") {
    const entries = value as readonly unknown[];
    if (entries.length === 0) return [`# ${name}  # default`];
    return entries.map(
      (entry, index) => `${name} ${kind.format(entry)}  # ${origins[name][index]?.text ?? ""}`,
    );
  }
  // A follower that is given would no longer follow.
  if (isFollowing(option, { origins })) return [`# ${name}  # ${option.defaultText}`];
  if (value === undefined) return [`# ${name}  # default`];
  return [`${name} ${kind.format(value)}  # ${origin?.text ?? ""}`];
}

/** Whether the line may be left out, and the settings are the same. */
function isAsByDefault(key: OptionKey, { values, origins }: OptionSettings): boolean {
  const option: Row = OPTIONS[key];
  const value: unknown = values[key];
  switch (option.form) {
    case "list":
      return (value as readonly unknown[]).length === 0;
    case "optional":
      return value === undefined;
    case "follower":
      return isFollowing(option, { origins });
    case "single":
      // What is given and SPFBehavior would set otherwise wins over it, also where it is the default.
      if (values.spfBehavior !== undefined && KEYS_OF_BEHAVIOR.has(key) && isGiven(option, { origins }))
        return false;
      return isDeepStrictEqual(value, defaultValue(option));
  }
}

function isGiven({ name }: Row, { origins }: Pick<OptionSettings, "origins">): boolean {
  return origins[name][0]?.kind === "file";
}

/** The origin of what is followed is that of the follower, by identity. */
function isFollowing({ name, follows }: Row, { origins }: Pick<OptionSettings, "origins">): boolean {
  if (follows === undefined) return false;
  return origins[name][0] === origins[OPTIONS[follows as OptionKey].name][0];
}

/** A line of the file that lets mail pass or does something to it. */
export interface RuleLine {
  readonly rule: OptionName;
  /** `file:line`. */
  readonly line: string;
  /** As it may be written in a file. */
  readonly text: string;
}

/** The options that do something for a result. */
export const ACTING_OPTIONS = [
  "refuseFail",
  "refuseHeloFail",
  "refuseSoftFail",
  "refuseNeutral",
  "refuseSPFNone",
  "refuseSPFNoneHelo",
  "refusePermError",
  "acceptTempError",
  "tagSubject",
  "quarantine",
] as const satisfies readonly OptionKey[];

/** The options whose lines decide about mail, as far as a decision names the line. */
const RULES: readonly OptionKey[] = [
  "whitelistIP",
  "whitelistPTR",
  "whitelistFrom",
  "whitelistTo",
  "trustedForwarder",
  "acceptDKIM",
  "skipAuth",
  "skipTLSVerified",
  "skipNDR",
  "policyFor",
  "spfBehavior",
  ...ACTING_OPTIONS,
  "removeForgedHeaders",
];

/** The lines of the configuration that decide about mail, the first of them; a list file may have a million. */
export function ruleLines({ values, origins }: OptionSettings, linesMax: number): RuleLine[] {
  const lines: RuleLine[] = [];
  for (const key of RULES) {
    const { name, kind, form }: Row = OPTIONS[key];
    const value: unknown = values[key];
    const entries = form === "list" ? (value as readonly unknown[]) : [value];
    for (let index = 0; index < entries.length && lines.length < linesMax; index++) {
      const origin = origins[name][index];
      const entry = entries[index];
      // Of AcceptTempError it is off that does something.
      const idle = entry === undefined || entry === (name === "AcceptTempError") || entry === "off";
      if (origin?.kind !== "file" || idle) continue;
      lines.push({ rule: name, line: origin.text, text: `${name} ${kind.format(entry)}` });
    }
  }
  return lines;
}
