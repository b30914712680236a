import { isDeepStrictEqual } from "node:util";
import { defaultValue, type Option } from "./option.ts";
import type { OptionSettings } from "./settings.ts";
import { OPTION_KEYS, OPTIONS, type OptionKey, type OptionName } from "./table.ts";

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
      // What is given beside SPFBehavior wins over it, also where it is the default.
      if (values.spfBehavior !== undefined && origins[option.name][0]?.kind === "file") return false;
      return isDeepStrictEqual(value, defaultValue(option));
  }
}

/** The origin of what is followed is that of the follower, by identity. */
function isFollowing({ name, follows }: Row, { origins }: Pick<OptionSettings, "origins">): boolean {
  if (follows === undefined) return false;
  return origins[name][0] === origins[OPTIONS[follows as OptionKey].name][0];
}
