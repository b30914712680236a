/**
 * What is counted: the closed sets that labels come from, so that no mail can add a series to those that exist from the
 * start; and the figures that the daemon hands over.
 */
import type { Action } from "../filter/index.ts";
import type { HistogramCounts } from "./counts.ts";

/** Where a result came from. */
export const SOURCES = ["cache", "joined", "dns", "shared"] as const;

export const IDENTITIES = ["mailfrom", "helo"] as const;

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

/** The RCODEs that are counted separately. */
export const FAULT_RCODES = ["SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "other"] as const;

/** Errors of the shared cache that are counted separately. */
export const SHARED_CACHE_ERRORS = ["connect", "timeout", "reply", "dropped", "other"] as const;

/** An action as a label: one word. */
export function actionLabel(action: Action): string {
  return action.replace(" ", "_");
}

/** Upper bounds of the time that mail waits, in seconds. */
export const WAIT_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20,
] as const;

/** A line of smf-spf.conf that lets something pass or refuses it. */
export interface ConfiguredRule {
  /** The option's name. */
  readonly rule: string;
  /** `file:line`. */
  readonly line: string;
  /** The line as it may be written in a file: `WhitelistIP 10.0.0.0/8`. */
  readonly text: string;
}

/** A cache's counters. */
export interface CacheFigures {
  readonly hits: number;
  readonly misses: number;
  readonly joined: number;
  readonly evictions: number;
  readonly renewals: number;
  readonly entries: number;
}

/** The resolver's counters. */
export interface DnsFigures {
  readonly questionsUdp: number;
  readonly questionsTcp: number;
  readonly timeouts: number;
  /** By RCODE, or `other` for an answer of no use. */
  readonly faults: Readonly<Record<string, number>>;
  readonly foreign: number;
  /** In seconds; undefined where they are not measured. */
  readonly answerSeconds: HistogramCounts;
}

/** What the daemon is asked for when a snapshot is made; nothing of it is kept. */
export interface Figures {
  readonly reportOnly: boolean;
  /** Whether these results are refused, if only for some mail: a line that accepts them would change something. */
  readonly refused: { readonly permerror: boolean; readonly temperror: boolean };
  /** Of the settings in force. */
  readonly configDigest: string;
  readonly rules: readonly ConfiguredRule[];
  readonly caches: Readonly<Record<"verdicts" | "answers", CacheFigures>>;
  readonly dns: DnsFigures;
  /** Why DNS does not serve: nothing was answered though something was asked; undefined where all is well. */
  readonly dnsProblem: string | undefined;
  readonly nameservers: readonly NameserverFigures[];
  readonly evaluations: { readonly running: number; readonly waiting: number; readonly turnedAway: number };
  readonly connections: {
    readonly open: number;
    readonly busy: number;
    readonly accepted: number;
    readonly refused: number;
    readonly closed: Readonly<Record<CloseCause, number>>;
  };
  readonly logLinesLost: Readonly<Record<"syslog" | "file", number>>;
  /** The last reload, or the start. */
  readonly reload: { readonly ok: boolean; readonly timeMs: number };
  /** Undefined while there is none. */
  readonly sharedCache: SharedCacheFigures | undefined;
  /** The milter socket takes connections. */
  readonly accepting: boolean;
}

/** SharedCache and how it does; counts since the start. */
export interface SharedCacheFigures {
  /** False while its circuit breaker is open: DNS alone is asked. */
  readonly up: boolean;
  /** By {@link SHARED_CACHE_ERRORS}. */
  readonly errors: Readonly<Record<string, number>>;
  /** Answers that another host has put there. */
  readonly hits: number;
  /** Questions that it had no usable answer to. */
  readonly misses: number;
  /** Answers put there. */
  readonly writes: number;
}

/** A name server and how it does. */
export interface NameserverFigures {
  readonly address: string;
  readonly port: number;
  /** What its last answers took, in milliseconds; undefined before the first. */
  readonly answerMs: number | undefined;
  /** It does not answer. */
  readonly down: boolean;
}

/** What does not change while the daemon runs. */
export interface Product {
  readonly version: string;
  /** `process.version` of Node. */
  readonly node: string;
  readonly startedMs: number;
}
