/** What the daemon runs by: how it comes of what was given, and what a change of it means. */
import { isDeepStrictEqual } from "node:util";
import type { LocalPolicy } from "spf-check";
import type { Origin, PolicyFor } from "../policy/index.ts";
import {
  allGiven,
  DEFAULT_ORIGIN,
  DRY_RUN_ORIGIN,
  type Given,
  type GivenForMessage,
  type GivenValue,
  givenByLine,
  lastGiven,
  originAt,
  originOfBehavior,
} from "./given.ts";
import { readValueText } from "./lines.ts";
import {
  defaultValue,
  type MessageKey,
  OPTION_KEYS,
  OPTIONS,
  type OptionKey,
  type OptionName,
  type SettingOf,
  type ValueOf,
} from "./table.ts";
import { BEST_GUESS, mechanisms } from "./values/text.ts";

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

/** The settings that the options lead to. Deeply frozen. */
export function resolveSettings({ values, origins }: OptionSettings, given: Given): Settings {
  const { spfBehavior, spfRules, spfGuess, spfBestGuess, spfExplanation, ...settings } = values;
  const { overrideRecord, fallbackRecord, policyFor, ...own } = settings;
  return deepFreeze({
    ...own,
    check: spfBehavior !== 0,
    localPolicy: {
      rules: spfRules,
      guess: spfGuess ?? (spfBestGuess ? bestGuessRules() : undefined),
      explanation: spfExplanation,
      overrides: recordsByDomain(overrideRecord),
      fallbacks: recordsByDomain(fallbackRecord),
    },
    policyFor: policyFor.map((line) => resolveLine(line, given.refuseHeloFail !== undefined)),
    origins,
  });
}

/**
 * The value of each option and where it comes from: what is given, else SPFBehavior, else the default.
 * `dryRun`: ReportOnly is on, and no PolicyFor line turns it off.
 */
export function resolveOptions(
  given: Given,
  { dryRun = false }: { readonly dryRun?: boolean },
): OptionSettings {
  const values: Partial<Record<OptionKey, unknown>> = {};
  const origins: Partial<Record<OptionName, readonly Origin[]>> = {};
  const behavior = lastGiven(given, "spfBehavior");
  const ladder: Partial<Record<OptionKey, unknown>> =
    behavior === undefined ? {} : settingsOfBehavior(behavior.value);
  const ladderOrigin =
    behavior === undefined ? DEFAULT_ORIGIN : originOfBehavior(behavior.value, originAt(behavior.location));
  for (const key of OPTION_KEYS) {
    const option = OPTIONS[key];
    if (option.form === "list") {
      const entries = usedEntries(allGiven(given, key), option.entryKey);
      values[key] = entries.map(({ value }) => value);
      origins[option.name] = entries.map(({ location }) => originAt(location));
      continue;
    }
    const last = lastGiven(given, key);
    if (last !== undefined) {
      values[key] = last.value;
      origins[option.name] = [originAt(last.location)];
    } else if (key in ladder) {
      values[key] = ladder[key];
      origins[option.name] = [ladderOrigin];
    } else if (option.follows !== undefined) {
      // The table has the one that is followed first.
      const followed = option.follows as OptionKey;
      values[key] = values[followed];
      origins[option.name] = origins[OPTIONS[followed].name] ?? [DEFAULT_ORIGIN];
    } else {
      values[key] = option.default === undefined ? undefined : defaultValue<unknown>(option);
      origins[option.name] = [DEFAULT_ORIGIN];
    }
  }
  // The values come from the kinds of the table, and the forms of its rows say which are there.
  const options = { values, origins } as OptionSettings;
  return dryRun ? asDryRun(options) : options;
}

/** `-n` also wins over PolicyFor lines. */
function asDryRun({ values, origins }: OptionSettings): OptionSettings {
  const policyFor = values.policyFor.map(({ selectors, given }) => ({
    selectors,
    given: { ...given, reportOnly: true },
  }));
  return {
    values: { ...values, reportOnly: true, policyFor },
    origins: { ...origins, ReportOnly: [DRY_RUN_ORIGIN] },
  };
}

/** All entries, or the last of each key. */
function usedEntries(
  entries: readonly GivenValue<unknown>[],
  entryKey: ((entry: unknown) => string) | undefined,
): readonly GivenValue<unknown>[] {
  if (entryKey === undefined) return entries;
  return [...new Map(entries.map((entry) => [entryKey(entry.value), entry])).values()];
}

/**
 * What a step of SPFBehavior sets (the qmail patch's spfbehavior): 0 nothing is checked, 1 headers only, and each
 * further step refuses one more result: temperror, fail, softfail, neutral, then none and permerror.
 */
function settingsOfBehavior(step: number) {
  return {
    acceptTempError: step < 2,
    refuseFail: step >= 3 ? "on" : "off",
    refuseSoftFail: step >= 4,
    refuseNeutral: step >= 5,
    refuseSPFNone: step >= 6,
    refuseSPFNoneHelo: step >= 6,
    refusePermError: step >= 6,
    tagSubject: false,
    quarantine: false,
  } as const satisfies Partial<MessageSettings>;
}

/** What SPFBehavior sets, at any step. */
export const KEYS_OF_BEHAVIOR: ReadonlySet<string> = new Set(Object.keys(settingsOfBehavior(0)));

/**
 * One PolicyFor line. RefuseHeloFail follows RefuseFail here as it does outside, unless the file gives it
 * outside; the ladder, which sets every Refuse option, does not ask what is outside.
 */
function resolveLine(line: ValueOf<"policyFor">, heloGivenOutside: boolean): PolicyFor {
  const { spfBehavior, ...given } = givenByLine(line);
  const actions: PolicyFor["actions"] = {
    ...(spfBehavior === undefined ? {} : { check: spfBehavior >= 1, ...settingsOfBehavior(spfBehavior) }),
    ...(given as Present<typeof given>),
  };
  const staysAsOutside = heloGivenOutside && spfBehavior === undefined;
  if (actions.refuseFail === undefined || staysAsOutside) return { ...line.selectors, actions };
  return { ...line.selectors, actions: { refuseHeloFail: actions.refuseFail, ...actions } };
}

/** A line holds nothing that is undefined. */
type Present<T extends Partial<GivenForMessage>> = { [K in keyof T]?: Exclude<T[K], undefined> };

function bestGuessRules(): LocalPolicy["guess"] {
  const reading = mechanisms.read(readValueText(BEST_GUESS));
  if ("fault" in reading) throw new Error(`unreadable best guess: ${reading.fault}`);
  return reading.value;
}

function recordsByDomain(records: readonly ValueOf<"overrideRecord">[]): ReadonlyMap<string, string> {
  return new Map(records.map(({ domain, record }) => [domain, record]));
}

/**
 * Freezes a value and all that it holds, and returns it. Octets of addresses (typed arrays) and the entries of
 * maps cannot be frozen; their types are read-only.
 */
function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

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
