import { isDeepStrictEqual } from "node:util";
import type { LocalPolicy } from "spf-check";
import type { Origin, PolicyFor } from "../policy/index.ts";
import {
  type MessageKey,
  OPTION_KEYS,
  OPTIONS,
  type OptionKey,
  type OptionName,
  type SettingOf,
} from "./table.ts";

/** The options that are not in the settings by themselves: see {@link ResolvedSettings}. */
type ResolvedKey =
  | "spfBehavior"
  | "spfRules"
  | "spfGuess"
  | "spfBestGuess"
  | "spfExplanation"
  | "overrideRecord"
  | "fallbackRecord"
  | "policyFor";

/** What is made of several options, or of one that is short for others. */
interface ResolvedSettings {
  /** off: SPFBehavior 0, nothing is evaluated and no field is added. The other steps are in the Refuse options. */
  readonly check: boolean;
  /** SPFRules, SPFGuess, SPFExplanation, the records. Texts in octets; domains are lower case and A-labels. */
  readonly localPolicy: LocalPolicy;
  /** SPFBehavior of each line is spelled out in its actions. */
  readonly policyFor: readonly PolicyFor[];
}

/** What the daemon runs by: a value for each option, every default and dependence filled in. Deeply frozen. */
export type Settings = {
  readonly [K in Exclude<OptionKey, ResolvedKey>]: SettingOf<K>;
} & ResolvedSettings & {
    readonly origins: Origins;
  };

/** The value of each option by itself, and where it comes from. */
export interface OptionSettings {
  readonly values: { readonly [K in OptionKey]: SettingOf<K> };
  readonly origins: Origins;
}

/** Where each value comes from, by the name of its option: of a list, for each entry in the order of the entries. */
export type Origins = { readonly [K in OptionName]: readonly Origin[] };

/** What PolicyFor can set for some mail. */
export type MessageSettings = { readonly [K in Exclude<MessageKey, ResolvedKey>]: SettingOf<K> } & Pick<
  ResolvedSettings,
  "check"
>;

/** What of the settings an option decides, where that is not the setting of the same key. */
const DECIDED: { readonly [K in ResolvedKey]: (settings: Settings) => unknown } = {
  // All but this is spelled out in the options it sets.
  spfBehavior: ({ check }) => check,
  spfRules: ({ localPolicy }) => localPolicy.rules,
  spfGuess: ({ localPolicy }) => localPolicy.guess,
  // A change of the guess rules is reported as SPFGuess.
  spfBestGuess: () => undefined,
  spfExplanation: ({ localPolicy }) => localPolicy.explanation,
  overrideRecord: ({ localPolicy }) => localPolicy.overrides,
  fallbackRecord: ({ localPolicy }) => localPolicy.fallbacks,
  policyFor: ({ policyFor }) => policyFor,
};

/** What of the settings an option decides. */
export function decidedBy(key: OptionKey, settings: Settings): unknown {
  return key in DECIDED
    ? DECIDED[key as ResolvedKey](settings)
    : settings[key as Exclude<OptionKey, ResolvedKey>];
}

/** What a reload means for a running daemon. Names are in the order of the documents. */
export interface SettingsDifference {
  readonly changed: readonly OptionName[];
  /** Those of the changed options that take effect at the next start only. */
  readonly restartNeeded: readonly OptionName[];
  /** What the caches hold may no longer be right. */
  readonly clearsCache: boolean;
}

/** Compares the settings in force with those just read. */
export function diffSettings(before: Settings, after: Settings): SettingsDifference {
  const changed = OPTION_KEYS.filter(
    (key) => !isDeepStrictEqual(decidedBy(key, before), decidedBy(key, after)),
  );
  return {
    changed: changed.map((key) => OPTIONS[key].name),
    restartNeeded: changed.filter((key) => OPTIONS[key].effect === "restart").map((key) => OPTIONS[key].name),
    clearsCache: changed.some((key) => OPTIONS[key].effect === "cache"),
  };
}

/** New settings as a daemon can take them while it runs: what only a restart changes stays as it is. */
export function keepUntilRestart(inForce: Settings, read: Settings): Settings {
  const kept = OPTION_KEYS.filter((key) => OPTIONS[key].effect === "restart");
  return {
    ...read,
    ...Object.fromEntries(kept.map((key) => [key, decidedBy(key, inForce)])),
    origins: {
      ...read.origins,
      ...Object.fromEntries(
        kept.map((key) => OPTIONS[key].name).map((name) => [name, inForce.origins[name]]),
      ),
    },
  };
}
