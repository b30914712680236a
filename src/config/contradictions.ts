import { isDeepStrictEqual } from "node:util";
import type { PolicyFor } from "../policy/index.ts";
import {
  allGiven,
  type Fault,
  type Given,
  type GivenValue,
  givenByLine,
  type Location,
  lastGiven,
} from "./given.ts";
import { ACTING_OPTIONS } from "./lines-in-force.ts";
import type { Settings } from "./settings.ts";
import { type MessageKey, OPTION_KEYS, OPTIONS, type ValueOf } from "./table.ts";

/** One pair of options that do not go together: what the operator may have meant to get, and does not. */
type Rule = (given: Given, settings: Settings) => Fault | readonly Fault[] | undefined;

/**
 * Explains options that contradict another or have no effect together with it. Only what the file gives is mentioned,
 * never a default.
 */
export function contradictions(given: Given, settings: Settings): Fault[] {
  return RULES.flatMap((rule) => rule(given, settings) ?? []);
}

const RULES: readonly Rule[] = [
  rejectAtBecomesRcpt,
  heloIsNotChecked,
  nothingIsDone,
  nothingIsChecked,
  softFailWithoutRefusal,
  nothingToQuarantine,
  nothingIsQuarantined,
  nullSenderIsSkipped,
  verifierIsNotAsked,
  verifierWithoutJobId,
  nothingWaitsForVerifier,
  guessGivenTwice,
  socketHasNoFile,
  groupHasNoAccess,
  everyUserHasAccess,
  nothingIsLogged,
  keyWithoutCache,
  oneQueryTakesAll,
  everyClient,
  sameKeyTwice,
  givenAgain,
];

function warning(location: Location, reason: string): Fault {
  return { ...location, reason };
}

function rejectAtBecomesRcpt(given: Given, settings: Settings): readonly Fault[] {
  const cause =
    settings.whitelistTo.length > 0
      ? "WhitelistTo"
      : settings.policyFor.some(({ to }) => to !== undefined)
        ? "PolicyFor to="
        : undefined;
  if (cause === undefined) return [];
  return [lastGiven(given, "rejectAt"), ...givenForSomeMail(given, "rejectAt")].flatMap((rejectAt) => {
    if (rejectAt === undefined || rejectAt.value === "rcpt") return [];
    const stage = `RejectAt ${rejectAt.value} becomes rcpt`;
    return [
      warning(rejectAt.location, `${stage} where ${cause} can decide for one recipient and not for another`),
    ];
  });
}

function heloIsNotChecked(given: Given, settings: Settings): readonly Fault[] {
  if (settings.checkHelo) return [];
  const outside = lastGiven(given, "refuseHeloFail");
  const inLines = givenForSomeMail(given, "refuseHeloFail").filter(({ value }) => value !== "off");
  return [
    ...(outside === undefined || outside.value === "off"
      ? []
      : [warning(outside.location, "has no effect while CheckHelo is off")]),
    ...inLines.map(({ location }) =>
      warning(location, "RefuseHeloFail= has no effect while CheckHelo is off"),
    ),
  ];
}

/** What the PolicyFor lines give for an option, each with the location of its line. */
function givenForSomeMail<K extends MessageKey>(given: Given, key: K): readonly GivenValue<ValueOf<K>>[] {
  return allGiven(given, "policyFor").flatMap(({ value: line, location }) => {
    const value: ValueOf<K> | undefined = givenByLine(line)[key];
    return value === undefined ? [] : [{ value, location }];
  });
}

function nothingIsDone(given: Given): Fault | undefined {
  const reportOnly = lastGiven(given, "reportOnly");
  if (reportOnly?.value !== true) return undefined;
  const yet = givenForSomeMail(given, "reportOnly").some(({ value }) => !value)
    ? ", except where PolicyFor turns it off"
    : "";
  return warning(reportOnly.location, `while this is on, nothing is refused, tagged or quarantined${yet}`);
}

const OPTIONS_OF_A_CHECK = ["checkHelo", ...ACTING_OPTIONS] as const;

function nothingIsChecked(given: Given, settings: Settings): Fault | undefined {
  const behavior = lastGiven(given, "spfBehavior");
  if (behavior?.value !== 0 || settings.policyFor.some(({ actions }) => actions.check === true))
    return undefined;
  const idle = OPTIONS_OF_A_CHECK.filter((key) => given[key] !== undefined).map((key) => OPTIONS[key].name);
  if (idle.length === 0)
    return warning(behavior.location, "0: nothing is checked, and no header field is added");
  return warning(
    behavior.location,
    `0: nothing is checked, so ${idle.join(", ")} ${idle.length === 1 ? "has" : "have"} no effect`,
  );
}

function softFailWithoutRefusal(given: Given, settings: Settings): Fault | undefined {
  const softFail = lastGiven(given, "softFail");
  if (
    softFail?.value !== true ||
    refuses(settings) ||
    settings.policyFor.some(({ actions }) => refuses(actions))
  ) {
    return undefined;
  }
  return warning(
    softFail.location,
    "has no effect: it turns a refusal with 550 into one with 450, and nothing is refused (to refuse softfail: RefuseSoftFail on)",
  );
}

function refuses(actions: PolicyFor["actions"]): boolean {
  return (
    (actions.refuseFail ?? "off") !== "off" ||
    (actions.refuseHeloFail ?? "off") !== "off" ||
    [
      actions.refuseSoftFail,
      actions.refuseNeutral,
      actions.refuseSPFNone,
      actions.refuseSPFNoneHelo,
      actions.refusePermError,
    ].includes(true)
  );
}

function nothingToQuarantine(given: Given, settings: Settings): Fault | undefined {
  const quarantine = lastGiven(given, "quarantine");
  if (quarantine?.value !== true || settings.policyFor.length > 0) return undefined;
  if (settings.refuseFail !== "on" || !settings.refuseSoftFail) return undefined;
  return warning(
    quarantine.location,
    "has no effect: RefuseFail and RefuseSoftFail refuse what would be quarantined",
  );
}

function nothingIsQuarantined(given: Given, settings: Settings): Fault | undefined {
  const mode = lastGiven(given, "quarantineMode");
  if (mode?.value !== "hold" || settings.quarantine) return undefined;
  if (settings.policyFor.some(({ actions }) => actions.quarantine === true)) return undefined;
  return warning(mode.location, "has no effect while Quarantine is off");
}

function nullSenderIsSkipped(given: Given, settings: Settings): Fault | undefined {
  const noneHelo = lastGiven(given, "refuseSPFNoneHelo");
  if (noneHelo?.value !== true || !settings.skipNDR) return undefined;
  return warning(noneHelo.location, "has no effect: with SkipNDR on the null sender is not checked");
}

/** DKIMVerifier names whose fields are removed, too; the job id is no more than a question of whom to believe. */
function verifierIsNotAsked(given: Given, settings: Settings): Fault | undefined {
  const jobId = lastGiven(given, "dkimVerifierJobID");
  if (jobId === undefined || acceptsDkim(settings) || settings.dkimVerifier.length > 0) return undefined;
  return warning(jobId.location, "has no effect without AcceptDKIM on or DKIMVerifier");
}

function verifierWithoutJobId(given: Given, settings: Settings): Fault | undefined {
  const jobId = lastGiven(given, "dkimVerifierJobID");
  if (jobId?.value !== false || !acceptsDkim(settings)) return undefined;
  return warning(
    jobId.location,
    "off: while the verifier is silent, a field that the sender has forged spares it; OpenDKIM has AuthservIDWithJobID",
  );
}

function nothingWaitsForVerifier(given: Given, settings: Settings): Fault | undefined {
  const accept = lastGiven(given, "acceptDKIM");
  if (accept?.value !== true || settings.policyFor.length > 0) return undefined;
  const { refuseFail, refuseSoftFail, refuseNeutral, refusePermError, tagSubject, quarantine } = settings;
  if (refuseFail !== "off" && refuseFail !== "nomail") return undefined;
  if ([refuseSoftFail, refuseNeutral, refusePermError, tagSubject, quarantine].includes(true))
    return undefined;
  return warning(
    accept.location,
    "has no effect: nothing is refused, tagged or quarantined that it could spare",
  );
}

function acceptsDkim(settings: Settings): boolean {
  return settings.acceptDKIM || settings.policyFor.some(({ actions }) => actions.acceptDKIM === true);
}

function guessGivenTwice(given: Given): Fault | undefined {
  const bestGuess = lastGiven(given, "spfBestGuess");
  if (bestGuess?.value !== true || given.spfGuess === undefined) return undefined;
  return warning(bestGuess.location, "has no effect: SPFGuess gives the rules");
}

function socketHasNoFile(given: Given, settings: Settings): readonly Fault[] {
  const { kind } = settings.socket;
  if (kind === "unix") return [];
  return (["socketMode", "socketGroup"] as const).flatMap((key) => {
    const location = lastGiven(given, key)?.location;
    return location === undefined ? [] : [warning(location, `has no effect on an ${kind}: socket`)];
  });
}

function groupHasNoAccess(given: Given, settings: Settings): Fault | undefined {
  const group = lastGiven(given, "socketGroup");
  // Connecting needs write permission on the socket.
  if (group === undefined || settings.socket.kind !== "unix" || (settings.socketMode & 0o020) !== 0)
    return undefined;
  const mode = settings.socketMode.toString(8).padStart(4, "0");
  return warning(
    group.location,
    `group ${group.value} cannot connect while SocketMode is ${mode}; set SocketMode 0660`,
  );
}

function everyUserHasAccess(given: Given, settings: Settings): Fault | undefined {
  const mode = lastGiven(given, "socketMode");
  if (mode === undefined || settings.socket.kind !== "unix" || (mode.value & 0o002) === 0) return undefined;
  return warning(
    mode.location,
    "every local user who can reach the directory can connect; SocketGroup and SocketMode 0660 admit the MTA alone",
  );
}

function nothingIsLogged(given: Given, settings: Settings): Fault | undefined {
  const syslog = lastGiven(given, "syslog");
  if (syslog?.value !== "none" || settings.logTo !== undefined) return undefined;
  return warning(syslog.location, "none without LogTo: nothing is logged");
}

function keyWithoutCache(given: Given): Fault | undefined {
  const key = lastGiven(given, "sharedCacheKey");
  if (key === undefined || lastGiven(given, "sharedCache") !== undefined) return undefined;
  return warning(key.location, "has no effect without SharedCache");
}

function oneQueryTakesAll(given: Given, settings: Settings): Fault | undefined {
  if (settings.dnsTimeoutMs < settings.lookupTimeMs) return undefined;
  const location = (lastGiven(given, "dnsTimeoutMs") ?? lastGiven(given, "lookupTimeMs"))?.location;
  if (location === undefined) return undefined;
  const times = `DNSTimeout is ${settings.dnsTimeoutMs / 1000}s and LookupTime ${settings.lookupTimeMs / 1000}s`;
  return warning(
    location,
    `${times}: one query without an answer uses up all the time, and no second try is made`,
  );
}

function everyClient(given: Given): readonly Fault[] {
  return (["whitelistIP", "trustedRelay"] as const).flatMap((key) =>
    allGiven(given, key)
      .filter(({ value }) => value.prefixLength === 0)
      .map(({ value, location }) => warning(location, `matches every IPv${value.family} client`)),
  );
}

/** List options whose entries have a key of their own: the last one with the same key is used. */
function sameKeyTwice(given: Given): readonly Fault[] {
  return OPTION_KEYS.flatMap((key) => {
    const { entryKey } = OPTIONS[key];
    return entryKey === undefined ? [] : repeated(allGiven(given, key), entryKey);
  });
}

function repeated(values: readonly GivenValue<unknown>[], keyOf: (value: unknown) => string): Fault[] {
  const last = new Map(values.map((given) => [keyOf(given.value), given]));
  return values.flatMap((given) => {
    const winner = last.get(keyOf(given.value));
    if (winner === undefined || winner === given) return [];
    return [
      warning(given.location, `${keyOf(given.value)} is given again at ${spot(winner.location)}, which wins`),
    ];
  });
}

/** Single options given more than once with different values: a file that says two things. */
function givenAgain(given: Given): readonly Fault[] {
  return OPTION_KEYS.filter((key) => OPTIONS[key].form !== "list").flatMap((key) => {
    const values: readonly GivenValue<unknown>[] = allGiven(given, key);
    const winner = values.at(-1);
    if (winner === undefined) return [];
    return values
      .filter(({ value }) => !isDeepStrictEqual(value, winner.value))
      .map(({ location }) => warning(location, `is given again at ${spot(winner.location)}, which wins`));
  });
}

function spot({ file, line, option }: Location): string {
  return line > 0 ? `${file}:${line}` : `${file} ${option}`;
}
