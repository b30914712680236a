import type { Outcome, Pending } from "spf-check";
import type { IpAddress, OctetString } from "../address/index.ts";
import type { PolicySettings } from "../policy/index.ts";
import type { FilterEvent } from "./events.ts";

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
