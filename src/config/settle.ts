import type { LocalPolicy } from "spf-check";
import { deepFreeze } from "./deep-freeze.ts";
import { type Given, valueOf, valuesOf } from "./given.ts";
import { readValueText } from "./lines.ts";
import { ACTION_NAMES, type ActionName, type ActionValues } from "./options/action.ts";
import { settingsOfBehavior } from "./options/behavior.ts";
import { standardValue } from "./options/option.ts";
import type { PolicyForLine } from "./options/policy-for.ts";
import { OPTIONS, type OptionName, type OptionValues } from "./options/table.ts";
import type { PolicyForSetting, Settings } from "./settings.ts";
import { BEST_GUESS, type DomainRecord, mechanisms } from "./values/spf.ts";

type Actions = PolicyForSetting["actions"];

/** The settings that the given values lead to, with every default and dependence filled in. Deeply frozen. */
export function settle(given: Given): Settings {
  const or = <K extends OptionName>(name: K): OptionValues[K] =>
    valueOf(given, name) ?? standardValue(OPTIONS[name]);
  const actions = settledActions(given);
  const addHeader = or("AddHeader");
  const refuseHeloFail = valueOf(given, "RefuseHeloFail");
  return deepFreeze({
    whitelistIP: valuesOf(given, "WhitelistIP"),
    whitelistPTR: valuesOf(given, "WhitelistPTR"),
    whitelistFrom: valuesOf(given, "WhitelistFrom"),
    whitelistTo: valuesOf(given, "WhitelistTo"),
    trustedRelay: valuesOf(given, "TrustedRelay"),
    dkimVerifier: valuesOf(given, "DKIMVerifier"),
    dkimVerifierJobID: or("DKIMVerifierJobID"),
    trustedForwarder: valuesOf(given, "TrustedForwarder"),
    skipAuth: or("SkipAuth"),
    skipTLSVerified: or("SkipTLSVerified"),
    skipNDR: or("SkipNDR"),
    fixedClientIP: valueOf(given, "FixedClientIP"),
    clientIPNAT: [...new Map(valuesOf(given, "ClientIPNAT").map((pair) => [pair.from, pair])).values()],
    checkHelo: or("CheckHelo"),
    localPolicy: settledLocalPolicy(given),
    lookupLimit: or("LookupLimit"),
    voidLookupLimit: or("VoidLookupLimit"),
    lookupTimeMs: or("LookupTime") * 1000,
    nameserver: valuesOf(given, "Nameserver"),
    dnsTimeoutMs: or("DNSTimeout") * 1000,
    dnsTries: or("DNSTries"),
    prefetch: or("Prefetch"),
    ...actions,
    policyFor: valuesOf(given, "PolicyFor").map((line) =>
      policyForSetting(line, refuseHeloFail !== undefined),
    ),
    addHeader,
    addReceivedHeader: valueOf(given, "AddReceivedHeader") ?? addHeader,
    authservID: valueOf(given, "AuthservID"),
    removeForgedHeaders: or("RemoveForgedHeaders"),
    ttlSeconds: or("TTL"),
    cacheSize: or("CacheSize"),
    user: or("User"),
    socket: or("Socket"),
    socketMode: or("SocketMode"),
    socketGroup: valueOf(given, "SocketGroup"),
    pidFile: or("PidFile"),
    daemonize: or("Daemonize"),
    syslog: or("Syslog"),
    logTo: valueOf(given, "LogTo"),
    logFormat: or("LogFormat"),
    logLevel: or("LogLevel"),
    maxConnections: or("MaxConnections"),
    idleTimeoutMs: or("IdleTimeout") * 1000,
    shutdownTimeMs: or("ShutdownTime") * 1000,
  });
}

function settledLocalPolicy(given: Given): LocalPolicy {
  const bestGuess = valueOf(given, "SPFBestGuess") ?? standardValue(OPTIONS.SPFBestGuess);
  return {
    rules: valueOf(given, "SPFRules"),
    guess: valueOf(given, "SPFGuess") ?? (bestGuess ? bestGuessRules() : undefined),
    explanation: valueOf(given, "SPFExplanation"),
    overrides: recordsByDomain(valuesOf(given, "OverrideRecord")),
    fallbacks: recordsByDomain(valuesOf(given, "FallbackRecord")),
  };
}

function bestGuessRules(): LocalPolicy["guess"] {
  const reading = mechanisms.read(readValueText(BEST_GUESS));
  if ("fault" in reading) throw new Error(`unreadable best guess: ${reading.fault}`);
  return reading.value;
}

function recordsByDomain(records: readonly DomainRecord[]): ReadonlyMap<string, string> {
  return new Map(records.map(({ domain, record }) => [domain, record]));
}

/** The options outside of PolicyFor: defaults, then the ladder, then what was given. */
function settledActions(given: Given): Required<Actions> {
  const explicit: Partial<Record<ActionName, unknown>> = {};
  for (const name of ACTION_NAMES) {
    const value = valueOf(given, name);
    if (value !== undefined) explicit[name] = value;
  }
  const spelled = spelledOut(explicit as Partial<ActionValues>);
  const refuseFail = spelled.refuseFail ?? standardValue(OPTIONS.RefuseFail);
  return {
    check: true,
    acceptDKIM: standardValue(OPTIONS.AcceptDKIM),
    refuseFail,
    refuseHeloFail: refuseFail,
    refuseSoftFail: standardValue(OPTIONS.RefuseSoftFail),
    refuseNeutral: standardValue(OPTIONS.RefuseNeutral),
    refuseSPFNone: standardValue(OPTIONS.RefuseSPFNone),
    refuseSPFNoneHelo: standardValue(OPTIONS.RefuseSPFNoneHelo),
    refusePermError: standardValue(OPTIONS.RefusePermError),
    acceptTempError: standardValue(OPTIONS.AcceptTempError),
    softFail: standardValue(OPTIONS.SoftFail),
    rejectReason: undefined,
    rejectAt: standardValue(OPTIONS.RejectAt),
    relaxedLocalPart: standardValue(OPTIONS.RelaxedLocalPart),
    tagSubject: standardValue(OPTIONS.TagSubject),
    tag: standardValue(OPTIONS.Tag),
    quarantine: standardValue(OPTIONS.Quarantine),
    quarantineBox: standardValue(OPTIONS.QuarantineBox),
    quarantineMode: standardValue(OPTIONS.QuarantineMode),
    reportOnly: standardValue(OPTIONS.ReportOnly),
    ...spelled,
  };
}

/**
 * One PolicyFor line. RefuseHeloFail follows RefuseFail here as it does outside, unless the file gives it
 * outside; the ladder, which sets every Refuse option, does not ask what is outside.
 */
function policyForSetting({ selectors, given }: PolicyForLine, heloGivenOutside: boolean): PolicyForSetting {
  const actions = spelledOut(given);
  const staysAsOutside = heloGivenOutside && given.SPFBehavior === undefined;
  if (actions.refuseFail === undefined || staysAsOutside) return { ...selectors, actions };
  return { ...selectors, actions: { refuseHeloFail: actions.refuseFail, ...actions } };
}

/** The settings that given options stand for; SPFBehavior gives way to the others. */
function spelledOut(values: Partial<ActionValues>): Actions {
  return {
    ...(values.SPFBehavior === undefined ? {} : settingsOfBehavior(values.SPFBehavior)),
    ...present({
      acceptDKIM: values.AcceptDKIM,
      refuseFail: values.RefuseFail,
      refuseHeloFail: values.RefuseHeloFail,
      refuseSoftFail: values.RefuseSoftFail,
      refuseNeutral: values.RefuseNeutral,
      refuseSPFNone: values.RefuseSPFNone,
      refuseSPFNoneHelo: values.RefuseSPFNoneHelo,
      refusePermError: values.RefusePermError,
      acceptTempError: values.AcceptTempError,
      softFail: values.SoftFail,
      rejectReason: values.RejectReason,
      rejectAt: values.RejectAt,
      relaxedLocalPart: values.RelaxedLocalPart,
      tagSubject: values.TagSubject,
      tag: values.Tag,
      quarantine: values.Quarantine,
      quarantineBox: values.QuarantineBox,
      quarantineMode: values.QuarantineMode,
      reportOnly: values.ReportOnly,
    }),
  };
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is undefined, so that it overrides nothing where it is spread. */
function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}
