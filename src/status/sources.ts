import type { HistogramCounts } from "./counts.ts";
import type { CloseCause } from "./labels.ts";

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
