import type { Outcome, SpfResult } from "spf-check";

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
