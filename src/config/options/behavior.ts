import type { Settings } from "../settings.ts";

/** The highest step of the ladder. */
export const SPF_BEHAVIOR_MAX = 6;

/**
 * What a step of SPFBehavior sets (the qmail patch's spfbehavior): 0 nothing is checked, 1 headers only, and each
 * further step refuses one more result: temperror, fail, softfail, neutral, then none and permerror.
 */
export function settingsOfBehavior(step: number) {
  return {
    check: step >= 1,
    acceptTempError: step < 2,
    refuseFail: step >= 3 ? "on" : "off",
    refuseSoftFail: step >= 4,
    refuseNeutral: step >= 5,
    refuseSPFNone: step >= 6,
    refuseSPFNoneHelo: step >= 6,
    refusePermError: step >= 6,
    tagSubject: false,
    quarantine: false,
  } as const satisfies Partial<Settings>;
}
