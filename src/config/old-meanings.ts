/** Options that smf-spf 2.0.2 and 2.5 had, and what their lines meant there. */
import { allGiven, type Fault, type Given } from "./given.ts";
import { OPTION_KEYS, type OptionKey } from "./table.ts";

/** What 2.0.2 had. */
export const KEYS_OF_202: ReadonlySet<OptionKey> = new Set<OptionKey>([
  "whitelistIP",
  "whitelistPTR",
  "whitelistFrom",
  "whitelistTo",
  "refuseFail",
  "tagSubject",
  "tag",
  "addHeader",
  "quarantine",
  "quarantineBox",
  "ttlSeconds",
  "user",
  "socket",
  "syslog",
]);

/** What 2.5 had in addition. */
export const KEYS_OF_25: ReadonlySet<OptionKey> = new Set<OptionKey>([
  "relaxedLocalPart",
  "spfBestGuess",
  "refuseSPFNone",
  "refuseSPFNoneHelo",
  "softFail",
  "acceptTempError",
  "addReceivedHeader",
  "fixedClientIP",
  "clientIPNAT",
  "skipNDR",
  "skipAuth",
  "rejectReason",
  "logTo",
  "daemonize",
  "authservID",
]);

/** Lines whose meaning has changed since 2.5, in words that say both. */
export const CHANGED_SINCE_25: { readonly [K in OptionKey]?: string } = {
  whitelistTo:
    "exempts this recipient only; smf-spf 2.5 accepted the whole message, for its other recipients as well",
  spfBestGuess:
    "records its guess in X-SPF-Guess, never as the SPF result; a guess that passes satisfies RefuseSPFNone",
  authservID:
    "is used, and Authentication-Results fields that come in under this name are removed; smf-spf 2.5 did not read it",
  skipNDR: "on skips bounces; the documentation of smf-spf 2.5 said the opposite",
};

/**
 * Notes for a file of 2.5: one that has an option of that version, and none that is newer. A file that uses
 * something newer was written with the new meanings in mind.
 */
export function notesFor25(given: Given): Fault[] {
  const keys = OPTION_KEYS.filter((key) => given[key] !== undefined);
  const isNewer = (key: OptionKey): boolean => !KEYS_OF_202.has(key) && !KEYS_OF_25.has(key);
  if (keys.some(isNewer) || !keys.some((key) => KEYS_OF_25.has(key))) return [];
  return keys.flatMap((key) => {
    const reason = CHANGED_SINCE_25[key];
    return reason === undefined
      ? []
      : allGiven(given, key)
          .slice(0, 1)
          .map(({ location }) => ({ ...location, reason }));
  });
}
