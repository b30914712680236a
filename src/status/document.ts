import type { SpfResult } from "spf-check";

/** /status.json, version 1. Times are ISO 8601; `ptr`, `helo`, `from`, `domain` and `problem` are texts of outsiders. */
export interface StatusDocument {
  readonly version: 1;
  /** `smf-spf 3.1.0`. */
  readonly product: string;
  readonly started: string;
  /** When this was made. */
  readonly now: string;
  readonly report_only: boolean;
  /** What is wrong now, in words; empty when all is well. */
  readonly problems: readonly string[];
  readonly nameservers: readonly { readonly address: string; readonly answer_ms: number | null }[];
  /** Counts since the start; null without SharedCache. */
  readonly shared_cache: {
    readonly up: boolean;
    readonly hits: number;
    readonly misses: number;
    readonly writes: number;
    readonly errors: number;
  } | null;
  readonly reload: { readonly ok: boolean; readonly time: string };
  readonly results: Readonly<Record<SpfResult, Periods>>;
  readonly actions: readonly {
    readonly action: string;
    readonly rule: string;
    readonly report_only: boolean;
    readonly total: number;
  }[];
  /** Of the last hour; null where there was no mail. */
  readonly waits: {
    readonly p50_ms: number | null;
    readonly p95_ms: number | null;
    readonly p99_ms: number | null;
    /** The share of results from memory, 0 to 1. */
    readonly from_memory: number | null;
    /** Since the start. */
    readonly dns_timeouts: number;
  };
  readonly top: {
    readonly domains_refused: readonly TopDomain[];
    readonly clients_refused: readonly TopClient[];
    readonly domains_in_error: readonly TopError[];
    readonly rules: readonly { readonly rule: string; readonly line: string; readonly hits: number }[];
    readonly forwarders: readonly TopForwarder[];
  };
  readonly series: Readonly<Record<"hour" | "day" | "week", Series>>;
  /** Newest first. */
  readonly decisions: readonly DecisionRow[];
}

interface Periods {
  readonly total: number;
  readonly hour: number;
  readonly day: number;
  readonly week: number;
}

/** Results over time. */
export interface Series {
  /** When each group begins, in seconds since the epoch. */
  readonly time: readonly number[];
  /** Results in each group. */
  readonly results: Readonly<Record<SpfResult, readonly number[]>>;
}

interface TopRow {
  readonly count: number;
  /** The line for smf-spf.conf; null where none can be made of it, or none would change anything. */
  readonly line: string | null;
  /** By hour, the last 24, the current one last. */
  readonly trend: readonly number[];
}
interface TopDomain extends TopRow {
  readonly domain: string;
}
interface TopClient extends TopRow {
  readonly ip: string;
  readonly ptr: string;
}
interface TopError extends TopDomain {
  readonly result: SpfResult;
  readonly problem: string;
}
interface TopForwarder extends TopClient {
  /** Different domains that it failed for. */
  readonly domains: number;
}

/** One decision. */
export interface DecisionRow {
  readonly time: string;
  readonly result: SpfResult;
  readonly identity: "mailfrom" | "helo";
  readonly source: "cache" | "joined" | "dns" | "shared";
  readonly ip: string;
  readonly ptr: string;
  readonly helo: string;
  /** Empty for the null sender. */
  readonly from: string;
  readonly queue: string | null;
  /** What was done, and by which option; null where nothing was. */
  readonly action: string | null;
  readonly rule: string | null;
  readonly report_only: boolean;
}
