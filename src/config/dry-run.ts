import { deepFreeze } from "./deep-freeze.ts";
import type { Settings } from "./settings.ts";

/** The settings of a dry run (`-n`): ReportOnly on for all mail, also where a PolicyFor line has it off. */
export function dryRun(settings: Settings): Settings {
  return deepFreeze({
    ...settings,
    reportOnly: true,
    policyFor: settings.policyFor.map((policy) => ({
      ...policy,
      actions: { ...policy.actions, reportOnly: true },
    })),
  });
}
