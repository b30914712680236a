/** The outside of a filter: what it asks, what it is answered, what it tells. */
import type { Outcome, Pending, SpfResult } from "spf-check";
import type { IpAddress, OctetString } from "../address/index.ts";
import type { PolicySettings } from "../policy/index.ts";

/** What is to be evaluated for one identity of one message. */
export interface EvaluationRequest {
  readonly ip: IpAddress;
  readonly domain: OctetString;
  /** `local@domain`, `postmaster@helo` for the HELO identity. */
  readonly sender: OctetString;
  readonly helo: OctetString;
  readonly receiver: OctetString;
  /** The verified host name of that address, for %{p} in the operator's explanation. */
  readonly clientName?: OctetString | undefined;
  /** On the clock of {@link FilterPorts.nowMs}; out of time is temperror. */
  readonly deadlineMs: number;
}

/** What came of it. */
export interface Evaluation {
  readonly outcome: Outcome;
  readonly cached: boolean;
  /** Where neither memory nor DNS gave it: an equal evaluation under way, or answers that another host has found. */
  readonly source?: "joined" | "shared";
  readonly elapsedMs: number;
}

/** The way to a verdict: memory, an equal evaluation under way, or a new one. */
export interface Evaluator {
  /**
   * Returns what is known at once. Else `done` is called exactly once, never before this has returned, and never
   * after {@link Pending.cancel}.
   */
  evaluate(request: EvaluationRequest, done: (evaluation: Evaluation) => void): Evaluation | Pending;
}

/** The settings a connection begins with and keeps. */
export interface FilterSettings extends PolicySettings {
  /** Everything one MAIL command waits for, in milliseconds (LookupTime). */
  readonly lookupTimeMs: number;
}

/** The outside of a filter, injected. */
export interface FilterPorts {
  readonly settings: FilterSettings;
  readonly evaluator: Evaluator;
  /** Must not block and must not throw. */
  readonly report: (event: FilterEvent) => void;
  /** Told how long the MTA had to wait for all results of a message, in milliseconds. Must not throw. */
  readonly waited?: ((elapsedMs: number) => void) | undefined;
  /** A monotonic clock in milliseconds. */
  readonly nowMs: () => number;
  /** `unix`: MTA and filter share a Unix socket; `inet`: CONNECT and HELO are answered because of Nagle. */
  readonly transport: "unix" | "inet";
  /** The name for %{r} and the authserv-id while the MTA sends no {j}. */
  readonly hostname: string;
}

/** Who sent what, as the log names it: the address is the one evaluated. */
export interface MailFacts {
  /** The MTA's queue id, where it has given one. */
  readonly queueId: string | undefined;
  readonly ip: string;
  /** The verified host name, or what the MTA gave instead: `[192.0.2.9]`. */
  readonly ptr: string;
  readonly helo: string;
  /** Empty for the null sender. */
  readonly from: string;
}

/** A verdict was reached (one line a MAIL command and identity). */
export interface ResultEvent extends MailFacts {
  readonly event: "result";
  readonly result: SpfResult;
  readonly cached: boolean;
  /** Where it came from: memory, an equal evaluation under way, DNS, or answers that another host has found. */
  readonly source: "cache" | "joined" | "dns" | "shared";
  readonly identity: "mailfrom" | "helo";
  readonly mechanism: string | undefined;
  readonly problem: string | undefined;
  /** The kind of that problem, as counters name it. */
  readonly failure: Outcome["failure"];
  readonly lookups: number;
  readonly voids: number;
  readonly elapsedMs: number;
  readonly local: SpfResult | undefined;
  readonly guess: SpfResult | undefined;
}

/** What can be done to a message, as the log names it. */
export const ACTIONS = [
  "refused",
  "tagged",
  "quarantined",
  "held",
  "skipped",
  "spared",
  "header removed",
] as const;

/** One of {@link ACTIONS}. */
export type Action = (typeof ACTIONS)[number];

/** Something was done to a message, or would have been (ReportOnly). */
export interface ActionEvent extends MailFacts {
  readonly event: "action";
  readonly action: Action;
  /** In words: `WhitelistFrom @example.net`, `SPF fail` … */
  readonly reason: string;
  /** The option that has led to it, as smf-spf.conf(5) spells it. */
  readonly rule: string | undefined;
  /** Where that option is set, `file:line`; undefined where it is a default. */
  readonly location: string | undefined;
  /** The recipients concerned, in envelope form; empty where it is the whole message. */
  readonly recipients: readonly string[];
  /** The reply sent, `550 5.7.23 …`, first line. */
  readonly reply: string | undefined;
  /** AcceptDKIM: why no DKIM result has spared the sender. */
  readonly dkim: string | undefined;
  /** ReportOnly: it was not done. */
  readonly reportOnly: boolean;
}

/** What the filter tells the operator. */
export type FilterEvent = ResultEvent | ActionEvent;
