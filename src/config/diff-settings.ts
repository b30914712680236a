import { isDeepStrictEqual } from "node:util";
import { OPTION_NAMES, OPTIONS, type OptionName } from "./options/table.ts";
import type { Settings } from "./settings.ts";

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
  const changed = OPTION_NAMES.filter(
    (name) => !isDeepStrictEqual(OPTIONS[name].of(before), OPTIONS[name].of(after)),
  );
  return {
    changed,
    restartNeeded: changed.filter((name) => OPTIONS[name].onReload === "restart"),
    clearsCache: changed.some((name) => OPTIONS[name].onReload === "clears the cache"),
  };
}
