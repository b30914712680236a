/** The closed sets that labels come from: however mail is made, no series comes to those that exist at the start. */
import type { Action } from "../filter/index.ts";

/** Where a result came from. */
export const SOURCES = ["cache", "joined", "dns", "shared"] as const;

export const IDENTITIES = ["mailfrom", "helo"] as const;

/** What a permerror is about. */
export const PERMERROR_PROBLEMS = ["syntax", "records", "lookups", "voids", "include", "other"] as const;

/** What a temperror comes from. */
export const TEMPERROR_CAUSES = ["timeout", "servfail", "refused", "deadline", "overload", "other"] as const;

/** A reason that belongs to no option: the syntax of an address, a connection that is not SMTP over IP. */
export const NO_RULE = "none";
/** An option that should be in {@link ACTION_RULES} and is not. */
export const OTHER_RULE = "other";

/** What is done, and the options that may lead to it. */
export const ACTION_RULES: Readonly<Record<Action, readonly string[]>> = {
  refused: [
    "RefuseFail",
    "RefuseHeloFail",
    "RefuseSoftFail",
    "RefuseNeutral",
    "RefuseSPFNone",
    "RefuseSPFNoneHelo",
    "RefusePermError",
    "AcceptTempError",
    "RelaxedLocalPart",
    "RemoveForgedHeaders",
  ],
  tagged: ["TagSubject"],
  quarantined: ["Quarantine"],
  held: ["Quarantine"],
  skipped: [
    "WhitelistIP",
    "WhitelistPTR",
    "WhitelistFrom",
    "WhitelistTo",
    "TrustedForwarder",
    "SkipAuth",
    "SkipTLSVerified",
    "SkipNDR",
    "SPFBehavior",
  ],
  spared: ["AcceptDKIM"],
  "header removed": ["RemoveForgedHeaders", "DKIMVerifier"],
};

/** Why the server has closed a connection. */
export const CLOSE_CAUSES = ["idle", "budget", "protocol", "handler"] as const;
export type CloseCause = (typeof CLOSE_CAUSES)[number];

/** The RCODEs that are counted apart. */
export const FAULT_RCODES = ["SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "other"] as const;

/** Errors of the shared cache that are counted apart. */
export const SHARED_CACHE_ERRORS = ["connect", "timeout", "reply", "dropped", "other"] as const;

/** An action as a label: one word. */
export function actionLabel(action: Action): string {
  return action.replace(" ", "_");
}

/** Upper bounds of the time that mail waits, in seconds. */
export const WAIT_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20,
] as const;
