import { isDeepStrictEqual } from "node:util";
import { type Given, type GivenValue, lastGiven, type Place } from "./given.ts";
import type { ActionName, ActionValues } from "./options/action.ts";
import { OPTION_NAMES, OPTIONS, type OptionName } from "./options/table.ts";
import type { Fault, PolicyForSetting, Settings } from "./settings.ts";

/** One pair of options that do not go together: what the operator may have meant to get, and does not. */
type Rule = (given: Given, settings: Settings) => Fault | readonly Fault[] | undefined;

/**
 * Explains options that contradict another or have no effect beside it. Only what the file gives is spoken of,
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
  nullSenderIsSkipped,
  guessGivenTwice,
  socketHasNoFile,
  groupHasNoAccess,
  everyUserHasAccess,
  nothingIsLogged,
  oneQueryTakesAll,
  everyClient,
  sameKeyTwice,
  givenAgain,
];

function warning(place: Place, reason: string): Fault {
  return { ...place, reason };
}

function rejectAtBecomesRcpt(given: Given, settings: Settings): readonly Fault[] {
  const cause =
    settings.whitelistTo.length > 0
      ? "WhitelistTo"
      : settings.policyFor.some(({ to }) => to !== undefined)
        ? "PolicyFor to="
        : undefined;
  if (cause === undefined) return [];
  return [lastGiven(given, "RejectAt"), ...givenForSomeMail(given, "RejectAt")].flatMap((rejectAt) => {
    if (rejectAt === undefined || rejectAt.value === "rcpt") return [];
    const stage = `RejectAt ${rejectAt.value} becomes rcpt`;
    return [
      warning(rejectAt.place, `${stage} where ${cause} can decide for one recipient and not for another`),
    ];
  });
}

function heloIsNotChecked(given: Given, settings: Settings): readonly Fault[] {
  if (settings.checkHelo) return [];
  const outside = lastGiven(given, "RefuseHeloFail");
  const inLines = givenForSomeMail(given, "RefuseHeloFail").filter(({ value }) => value !== "off");
  return [
    ...(outside === undefined || outside.value === "off"
      ? []
      : [warning(outside.place, "has no effect while CheckHelo is off")]),
    ...inLines.map(({ place }) => warning(place, "RefuseHeloFail= has no effect while CheckHelo is off")),
  ];
}

/** What the PolicyFor lines give for an option, each with the place of its line. */
function givenForSomeMail<K extends ActionName>(
  given: Given,
  name: K,
): readonly GivenValue<ActionValues[K]>[] {
  return (given.PolicyFor ?? []).flatMap(({ value: line, place }) => {
    const value = line.given[name];
    return value === undefined ? [] : [{ value, place }];
  });
}

function nothingIsDone(given: Given): Fault | undefined {
  const reportOnly = lastGiven(given, "ReportOnly");
  if (reportOnly?.value !== true) return undefined;
  const yet = givenForSomeMail(given, "ReportOnly").some(({ value }) => !value)
    ? ", but where PolicyFor turns it off"
    : "";
  return warning(reportOnly.place, `while this is on, nothing is refused, tagged or quarantined${yet}`);
}

const OPTIONS_OF_A_CHECK = [
  "CheckHelo",
  "RefuseFail",
  "RefuseHeloFail",
  "RefuseSoftFail",
  "RefuseNeutral",
  "RefuseSPFNone",
  "RefuseSPFNoneHelo",
  "RefusePermError",
  "AcceptTempError",
  "TagSubject",
  "Quarantine",
] as const satisfies readonly OptionName[];

function nothingIsChecked(given: Given, settings: Settings): Fault | undefined {
  const behavior = lastGiven(given, "SPFBehavior");
  if (behavior?.value !== 0 || settings.policyFor.some(({ actions }) => actions.check === true))
    return undefined;
  const idle = OPTIONS_OF_A_CHECK.filter((name) => given[name] !== undefined);
  if (idle.length === 0) return warning(behavior.place, "0: nothing is checked, and no header is added");
  return warning(
    behavior.place,
    `0: nothing is checked, so ${idle.join(", ")} ${idle.length === 1 ? "has" : "have"} no effect`,
  );
}

function softFailWithoutRefusal(given: Given, settings: Settings): Fault | undefined {
  const softFail = lastGiven(given, "SoftFail");
  if (
    softFail?.value !== true ||
    refuses(settings) ||
    settings.policyFor.some(({ actions }) => refuses(actions))
  ) {
    return undefined;
  }
  return warning(
    softFail.place,
    "only turns a refusal with 550 into one with 450, and nothing is refused; softfail is refused by RefuseSoftFail on",
  );
}

function refuses(actions: PolicyForSetting["actions"]): boolean {
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
  const quarantine = lastGiven(given, "Quarantine");
  if (quarantine?.value !== true || settings.policyFor.length > 0) return undefined;
  if (settings.refuseFail !== "on" || !settings.refuseSoftFail) return undefined;
  return warning(quarantine.place, "has no effect: RefuseFail and RefuseSoftFail refuse what it would take");
}

function nullSenderIsSkipped(given: Given, settings: Settings): Fault | undefined {
  const noneHelo = lastGiven(given, "RefuseSPFNoneHelo");
  if (noneHelo?.value !== true || !settings.skipNDR) return undefined;
  return warning(noneHelo.place, "has no effect: with SkipNDR on the null sender is not checked");
}

function guessGivenTwice(given: Given): Fault | undefined {
  const bestGuess = lastGiven(given, "SPFBestGuess");
  if (bestGuess?.value !== true || given.SPFGuess === undefined) return undefined;
  return warning(bestGuess.place, "has no effect: SPFGuess gives the rules");
}

function socketHasNoFile(given: Given, settings: Settings): readonly Fault[] {
  const { kind } = settings.socket;
  if (kind === "unix") return [];
  return (["SocketMode", "SocketGroup"] as const).flatMap((name) => {
    const place = lastGiven(given, name)?.place;
    return place === undefined ? [] : [warning(place, `has no effect on a socket of the kind ${kind}:`)];
  });
}

function groupHasNoAccess(given: Given, settings: Settings): Fault | undefined {
  const group = lastGiven(given, "SocketGroup");
  // Connecting needs write permission on the socket.
  if (group === undefined || settings.socket.kind !== "unix" || (settings.socketMode & 0o020) !== 0)
    return undefined;
  const mode = settings.socketMode.toString(8).padStart(4, "0");
  return warning(
    group.place,
    `the group ${group.value} cannot connect: SocketMode is ${mode}, and 0660 would let it`,
  );
}

function everyUserHasAccess(given: Given, settings: Settings): Fault | undefined {
  const mode = lastGiven(given, "SocketMode");
  if (mode === undefined || settings.socket.kind !== "unix" || (mode.value & 0o002) === 0) return undefined;
  return warning(
    mode.place,
    "every user of this host who reaches the folder can connect; SocketGroup and 0660 let in the MTA alone",
  );
}

function nothingIsLogged(given: Given, settings: Settings): Fault | undefined {
  const syslog = lastGiven(given, "Syslog");
  if (syslog?.value !== "none" || settings.logTo !== undefined) return undefined;
  return warning(syslog.place, "none, and no LogTo is given: nothing is logged");
}

function oneQueryTakesAll(given: Given, settings: Settings): Fault | undefined {
  if (settings.dnsTimeoutMs < settings.lookupTimeMs) return undefined;
  const place = (lastGiven(given, "DNSTimeout") ?? lastGiven(given, "LookupTime"))?.place;
  if (place === undefined) return undefined;
  const times = `DNSTimeout is ${settings.dnsTimeoutMs / 1000}s and LookupTime ${settings.lookupTimeMs / 1000}s`;
  return warning(
    place,
    `${times}: one query without an answer ends the evaluation, and no second try is made`,
  );
}

function everyClient(given: Given): readonly Fault[] {
  return (["WhitelistIP", "TrustedRelay"] as const).flatMap((name) =>
    (given[name] ?? [])
      .filter(({ value }) => value.prefixLength === 0)
      .map(({ value, place }) => warning(place, `matches every IPv${value.family} client`)),
  );
}

/** List options whose entries have a key of their own: the last one with the same key is used. */
function sameKeyTwice(given: Given): readonly Fault[] {
  return [
    ...repeated(given.ClientIPNAT ?? [], ({ from }) => from),
    ...repeated(given.OverrideRecord ?? [], ({ domain }) => domain),
    ...repeated(given.FallbackRecord ?? [], ({ domain }) => domain),
  ];
}

function repeated<T>(values: readonly GivenValue<T>[], keyOf: (value: T) => string): Fault[] {
  const last = new Map(values.map((given) => [keyOf(given.value), given]));
  return values.flatMap((given) => {
    const winner = last.get(keyOf(given.value));
    if (winner === undefined || winner === given) return [];
    return [
      warning(given.place, `${keyOf(given.value)} is given again at ${spot(winner.place)}, which wins`),
    ];
  });
}

/** Single options given more than once with different values: a file that says two things. */
function givenAgain(given: Given): readonly Fault[] {
  return OPTION_NAMES.filter((name) => !OPTIONS[name].list).flatMap((name) => {
    const values: readonly GivenValue<unknown>[] = given[name] ?? [];
    const winner = values.at(-1);
    if (winner === undefined) return [];
    return values
      .filter(({ value }) => !isDeepStrictEqual(value, winner.value))
      .map(({ place }) => warning(place, `is given again at ${spot(winner.place)}, which wins`));
  });
}

function spot({ file, line, option }: Place): string {
  return line > 0 ? `${file}:${line}` : `${file} ${option}`;
}
