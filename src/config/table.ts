import { readValueText } from "./lines.ts";
import {
  ipAddress,
  localSocketAddress,
  nameserver,
  natPair,
  network,
  socketAddress,
} from "./values/address.ts";
import { accountName, addressPattern, domainName, filePath, hostPattern, recipient } from "./values/name.ts";
import { type MessageRow, policyFor } from "./values/policy-for.ts";
import { engineAddress, keyFile } from "./values/shared-cache.ts";
import {
  authservId,
  domainRecord,
  explanation,
  mechanisms,
  rejectReason,
  subjectTag,
} from "./values/text.ts";
import { choice, count, octalMode, onOff, timeMs, timeSeconds, type ValueKind } from "./values/value-kind.ts";

/**
 * Every option of smf-spf.conf, in the order of the documents. Parsing, settings, their types and defaults, PolicyFor,
 * what a reload means, `-t` and `--show-config` follow this table; tests hold the man page and the sample file to it.
 *
 * To add an option:
 *
 * 1. One row here. Its key is the name in {@link Settings}: camelCase, the unit last (`dnsTimeoutMs`). A kind of value
 *    that is not in `values/` yet is a function that reads a word, and one that writes it.
 * 2. Its use, where the settings are used. What is derived from several options is in settings.ts, combinations
 *    that deserve a warning are in contradictions.ts.
 * 3. One paragraph of etc/man/smf-spf.conf.5 and one line of etc/smf-spf.conf, in the order of the table.
 * 4. In test/unit/config a value and what it means (options.test.ts), the default (defaults.test.ts), and a file in
 *    `faulty/` if the kind is new.
 */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const CACHE = { effect: "cache" } as const;
const RESTART = { effect: "restart" } as const;

const refuse = choice("on", "off", "nomail");
const REFUSE_FAIL = { name: "RefuseFail", key: "refuseFail" };
const ADD_HEADER = { name: "AddHeader", key: "addHeader" };
// biome-ignore format: one line
const FACILITIES = choice("mail", "daemon", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7", "none");

const who = rows("who is not checked", "daemon");
const whoForMessage = rows("who is not checked", "message");
const what = rows("what is evaluated", "daemon");
const done = rows("what is done", "message");
const doneForAll = rows("what is done", "daemon");
const headers = rows("headers", "daemon");
const memory = rows("memory", "daemon");
const daemon = rows("process", "daemon");

// biome-ignore format: a table
const TABLE = {
  whitelistIP: who.list("WhitelistIP", network, "198.51.100.0/24", "clients that are not checked"),
  whitelistPTR: who.list("WhitelistPTR", hostPattern, ".friend.example", "verified host names of clients that are not checked"),
  whitelistFrom: who.list("WhitelistFrom", addressPattern, "@friend.example", "senders that are not checked"),
  whitelistTo: who.list("WhitelistTo", addressPattern, "postmaster@", "recipients that get all mail"),
  trustedRelay: who.list("TrustedRelay", network, "198.51.100.25", "our own relays; the client is read from their Received field"),
  acceptDKIM: whoForMessage.option("AcceptDKIM", onOff, "off", "spare mail for whose domain a DKIM verifier before us vouches"),
  dkimVerifier: who.list("DKIMVerifier", authservId, "mx.example.net", "name of the DKIM verifier in Authentication-Results", { defaultText: "AuthservID" }),
  dkimVerifierJobID: who.option("DKIMVerifierJobID", onOff, "on", "the verifier writes the queue id after its name"),
  trustedForwarder: who.list("TrustedForwarder", domainName, "forwarder.example", "a client with SPF pass for this domain is not refused"),
  skipAuth: who.option("SkipAuth", onOff, "on", "do not check users that logged in"),
  skipTLSVerified: who.option("SkipTLSVerified", onOff, "on", "do not check clients with a verified TLS certificate"),
  skipNDR: who.option("SkipNDR", onOff, "off", "do not check the null sender"),
  fixedClientIP: who.optional("FixedClientIP", ipAddress, "198.51.100.25", "evaluate every client as this address"),
  clientIPNAT: who.list("ClientIPNAT", natPair, "10.0.0.5:198.51.100.25", "evaluate one client as another address", { entryKey: ({ from }) => from }),

  checkHelo: what.option("CheckHelo", onOff, "off", "also evaluate the HELO name"),
  spfRules: what.optional("SPFRules", mechanisms, "include:partners.example", "mechanisms of our own, before the all of every record", CACHE),
  spfGuess: what.optional("SPFGuess", mechanisms, "a/24 mx/24", "mechanisms for domains that publish nothing", CACHE),
  spfBestGuess: what.option("SPFBestGuess", onOff, "off", "short for SPFGuess a/24 mx/24 ptr", CACHE),
  spfExplanation: what.optional("SPFExplanation", explanation, '"See https://mx.example.net/spf?ip=%{i}&domain=%{d}"', "explanation of a fail where the domain gives none", CACHE),
  overrideRecord: what.list("OverrideRecord", domainRecord, "partner.example v=spf1 ip4:203.0.113.0/24 -all", "a record instead of the published one", { ...CACHE, entryKey: ({ domain }) => domain }),
  fallbackRecord: what.list("FallbackRecord", domainRecord, "customer.example v=spf1 mx -all", "a record where none is published", { ...CACHE, entryKey: ({ domain }) => domain }),
  lookupLimit: what.option("LookupLimit", count(1, 100), "10", "terms of a record that may ask DNS", CACHE),
  voidLookupLimit: what.option("VoidLookupLimit", count(0, 100), "2", "lookups that may find nothing", CACHE),
  lookupTimeMs: what.option("LookupTime", timeMs(1, HOUR), "20s", "longest wait of one MAIL command"),
  nameserver: what.list("Nameserver", nameserver, "127.0.0.1", "name servers to ask", { ...CACHE, defaultText: "those of resolv.conf" }),
  dnsTimeoutMs: what.option("DNSTimeout", timeMs(1, 5 * MINUTE), "3s", "wait for the answer to one query", CACHE),
  dnsTries: what.option("DNSTries", count(1, 10), "2", "times a name server is asked", CACHE),
  prefetch: what.option("Prefetch", onOff, "on", "ask early for what a record names"),

  spfBehavior: done.optional("SPFBehavior", count(0, 6), "3", "the qmail ladder: sets the Refuse options in one number"),
  refuseFail: done.option("RefuseFail", refuse, "on", "refuse mail that fails"),
  refuseHeloFail: done.follower("RefuseHeloFail", refuse, REFUSE_FAIL, "refuse mail whose HELO name fails, with CheckHelo"),
  refuseSoftFail: done.option("RefuseSoftFail", onOff, "off", "refuse mail at softfail"),
  refuseNeutral: done.option("RefuseNeutral", onOff, "off", "refuse mail at neutral"),
  refuseSPFNone: done.option("RefuseSPFNone", onOff, "off", "refuse senders whose domain publishes no SPF record"),
  refuseSPFNoneHelo: done.option("RefuseSPFNoneHelo", onOff, "off", "refuse the null sender where the HELO name publishes no SPF record"),
  refusePermError: done.option("RefusePermError", onOff, "off", "refuse mail whose SPF record cannot be used"),
  acceptTempError: done.option("AcceptTempError", onOff, "on", "off: defer mail while DNS does not answer"),
  softFail: done.option("SoftFail", onOff, "off", "refuse with 450 instead of 550"),
  rejectReason: done.optional("RejectReason", rejectReason, "Mail from {sender} was refused: SPF {result} for {ip}. {explanation}", "the text of a refusal", { defaultText: "a sentence for each result" }),
  rejectAt: done.option("RejectAt", choice("mail", "rcpt", "eom"), "mail", "the stage at which mail is refused"),
  relaxedLocalPart: done.option("RelaxedLocalPart", onOff, "on", "accept local parts of more than 64 octets"),
  tagSubject: done.option("TagSubject", onOff, "on", "tag the Subject at softfail, and at fail that is not refused"),
  tag: done.option("Tag", subjectTag, "[SPF:fail]", "the text of the tag"),
  quarantine: done.option("Quarantine", onOff, "off", "quarantine mail at softfail, and at fail that is not refused"),
  quarantineBox: done.option("QuarantineBox", recipient, "postmaster", "the mailbox that quarantined mail goes to"),
  quarantineMode: done.option("QuarantineMode", choice("mailbox", "hold"), "mailbox", "quarantine into QuarantineBox, or hold in the queue of the MTA"),
  reportOnly: done.option("ReportOnly", onOff, "off", "log what would be done, and refuse, tag and quarantine nothing"),
  policyFor: doneForAll.list("PolicyFor", policyFor(messageRows), "ip=192.0.2.0/24 SPFBehavior=1", "other options for some mail only"),

  addHeader: headers.option("AddHeader", onOff, "on", "add Authentication-Results"),
  addReceivedHeader: headers.follower("AddReceivedHeader", onOff, ADD_HEADER, "add Received-SPF"),
  authservID: headers.optional("AuthservID", authservId, "mx.example.net", "our name in Authentication-Results", { defaultText: "{j}, the name of the MTA" }),
  removeForgedHeaders: headers.option("RemoveForgedHeaders", choice("on", "all", "off"), "on", "remove Authentication-Results that came in under our name"),

  ttlSeconds: memory.option("TTL", timeSeconds(0, 365 * DAY), "1h", "longest life of a cached verdict"),
  cacheSize: memory.option("CacheSize", count(1, 10_000_000), "100000", "entries of each cache"),
  cacheFile: memory.optional("CacheFile", filePath, "/var/lib/smfs/cache", "keep both caches over a restart", RESTART),
  sharedCache: memory.optional("SharedCache", engineAddress, "redis://127.0.0.1", "share DNS answers with other hosts through Valkey or Redis", RESTART),
  sharedCacheKey: memory.optional("SharedCacheKey", keyFile, "file:/etc/mail/smfs/shared.key", "the file whose key seals them, the same on all hosts", RESTART),

  user: daemon.option("User", accountName, "smfs", "account to run as", RESTART),
  socket: daemon.option("Socket", socketAddress, "unix:/var/run/smfs/smf-spf.sock", "where the MTA connects", RESTART),
  socketMode: daemon.option("SocketMode", octalMode, "0600", "permissions of the socket", RESTART),
  socketGroup: daemon.optional("SocketGroup", accountName, "postfix", "group of the socket", RESTART),
  statusSocket: daemon.optional("StatusSocket", localSocketAddress, "unix:/var/run/smfs/status.sock", "where status page and metrics are served", RESTART),
  statusSocketMode: daemon.option("StatusSocketMode", octalMode, "0660", "permissions of that socket", RESTART),
  statusSocketGroup: daemon.optional("StatusSocketGroup", accountName, "adm", "group of that socket", RESTART),
  pidFile: daemon.option("PidFile", filePath, "/var/run/smfs/smf-spf.pid", "file for the process id", RESTART),
  daemonize: daemon.option("Daemonize", onOff, "on", "go to the background", RESTART),
  syslog: daemon.option("Syslog", FACILITIES, "mail", "facility of the system log"),
  logTo: daemon.optional("LogTo", filePath, "/var/log/smf-spf.log", "a log file, /dev/stdout or /dev/stderr"),
  logFormat: daemon.option("LogFormat", choice("classic", "2.5", "detailed", "json"), "classic", "form of the log lines"),
  logLevel: daemon.option("LogLevel", choice("error", "warning", "notice", "info", "debug"), "info", "least urgent lines that are logged"),
  maxConnections: daemon.option("MaxConnections", count(1, 100_000), "1000", "connections of the MTA at a time"),
  idleTimeoutMs: daemon.option("IdleTimeout", timeMs(1, 20 * DAY), "2h", "longest silence on a connection"),
  shutdownTimeMs: daemon.option("ShutdownTime", timeMs(0, HOUR), "10s", "how long a stop waits for messages in progress"),
};

type Table = typeof TABLE;

/** The key of an option in the settings. */
export type OptionKey = keyof Table;

/** The name of an option, as the documents spell it. */
export type OptionName = Table[OptionKey]["name"];

/** The value of an option, or of one entry of a list. */
export type ValueOf<K extends OptionKey> = Table[K]["kind"] extends ValueKind<infer T> ? T : never;

/** What the settings hold of an option. */
export type SettingOf<K extends OptionKey> = {
  single: ValueOf<K>;
  follower: ValueOf<K>;
  optional: ValueOf<K> | undefined;
  list: readonly ValueOf<K>[];
}[Table[K]["form"]];

/** The options that PolicyFor may give for some mail only. */
export type MessageKey = {
  [K in OptionKey]: Table[K] extends { scope: "message" } ? K : never;
}[OptionKey];

/** The table, typed so that a key and its values stay together. */
export const OPTIONS: {
  readonly [K in OptionKey]: Option<ValueOf<K>, OptionName, Table[K]["form"], Table[K]["scope"]>;
} = TABLE;

/** Their keys in the order of the documents. */
export const OPTION_KEYS = Object.keys(TABLE) as readonly OptionKey[];

/** Their names in the order of the documents. */
export const OPTION_NAMES: readonly OptionName[] = OPTION_KEYS.map((key) => OPTIONS[key].name);

/** The options that PolicyFor may give. */
function messageRows(): readonly MessageRow[] {
  return OPTION_KEYS.filter((key) => OPTIONS[key].scope === "message").map((key) => ({
    key,
    ...OPTIONS[key],
  }));
}

const BY_LOWER_CASE: ReadonlyMap<string, OptionKey> = new Map(
  OPTION_KEYS.map((key) => [OPTIONS[key].name.toLowerCase(), key]),
);

/** The key of the option that a name means; upper and lower case are equal. */
export function optionNamed(name: string): OptionKey | undefined {
  return BY_LOWER_CASE.get(name.toLowerCase());
}

/** The sections of sample file and man page, in their order. */
export const SECTIONS = [
  "who is not checked",
  "what is evaluated",
  "what is done",
  "headers",
  "memory",
  "process",
] as const;

/** The section an option is described in. */
export type Section = (typeof SECTIONS)[number];

/**
 * What a setting holds while the option is not given: its default (single), undefined (optional), the value of
 * another option (follower); a list is empty, and an option given again adds to it.
 */
export type Form = "single" | "optional" | "follower" | "list";

/** message: PolicyFor may give the option for some mail only. daemon: it holds for all mail. */
export type Scope = "daemon" | "message";

/**
 * What a changed option asks of a running daemon: a reload; to drop what the caches hold as well, since verdicts or
 * answers may come out differently; a restart.
 */
export type Effect = "reload" | "cache" | "restart";

/** One option of smf-spf.conf. `T` is one value: that of one entry where the option is a list. */
export interface Option<
  T = unknown,
  N extends string = string,
  F extends Form = Form,
  S extends Scope = Scope,
> {
  /** As documents and messages spell it. */
  readonly name: N;
  readonly section: Section;
  readonly kind: ValueKind<T>;
  readonly form: F;
  readonly scope: S;
  readonly effect: Effect;
  /** The default as the file would have it; only a single option has one. */
  readonly default: string | undefined;
  /** The default in words, for the man page. */
  readonly defaultText: string;
  /** The key of the option whose value a follower has. */
  readonly follows: string | undefined;
  /** Of list entries with the same key only the last is used. */
  readonly entryKey: ((entry: unknown) => string) | undefined;
  /** What the sample file shows after the comment sign. */
  readonly sample: string;
  /** One line for lists of options. */
  readonly help: string;
}

interface Facts {
  readonly effect?: Effect;
  readonly defaultText?: string;
}

/** Makes the rows of one section of the table. */
interface Rows<S extends Scope> {
  /** An option that has a default. */
  option<T, const N extends string>(
    name: N,
    kind: ValueKind<T>,
    defaultValue: string,
    help: string,
    facts?: Facts,
  ): Option<T, N, "single", S>;
  /** An option without a default. */
  optional<T, const N extends string>(
    name: N,
    kind: ValueKind<T>,
    sample: string,
    help: string,
    facts?: Facts,
  ): Option<T, N, "optional", S>;
  /** An option that has the value of another while it is not given. */
  follower<T, const N extends string>(
    name: N,
    kind: ValueKind<T>,
    followed: Pick<Option<T>, "name"> & { readonly key: string },
    help: string,
  ): Option<T, N, "follower", S>;
  /** An option that may be given many times, and that takes `file:/path`. */
  list<T, const N extends string>(
    name: N,
    kind: ValueKind<T>,
    sample: string,
    help: string,
    facts?: Facts & { readonly entryKey?: (entry: T) => string },
  ): Option<T, N, "list", S>;
}

/** Makes rows of that section and scope. */
function rows<S extends Scope>(section: Section, scope: S): Rows<S> {
  const common = { section, scope, effect: "reload", default: undefined, defaultText: "none" } as const;
  const nothing = { follows: undefined, entryKey: undefined };
  return {
    option: (name, kind, value, help, facts) => ({
      ...{ ...common, ...nothing, form: "single", name, kind, help },
      ...{ default: value, defaultText: value, sample: value, ...facts },
    }),
    optional: (name, kind, sample, help, facts) => ({
      ...{ ...common, ...nothing, form: "optional", name, kind, help, sample, ...facts },
    }),
    follower: (name, kind, followed, help) => ({
      ...{ ...common, ...nothing, form: "follower", name, kind, help },
      ...{ follows: followed.key, defaultText: `as ${followed.name}`, sample: "on" },
    }),
    list: (name, kind, sample, help, { entryKey, ...facts } = {}) => ({
      ...{ ...common, ...nothing, form: "list", name, kind, help, sample, ...facts },
      // The entries come from the kind of this very row.
      entryKey: entryKey as ((entry: unknown) => string) | undefined,
    }),
  };
}

/** The default of an option that has one. Throws where the table has a mistake. */
export function defaultValue<T>({ name, kind, default: text }: Option<T>): T {
  const reading = kind.read(readValueText(text ?? ""));
  if ("fault" in reading) throw new Error(`unreadable default of ${name}: ${reading.fault}`);
  return reading.value;
}
