import type { Outcome } from "spf-check";
import type { OctetString } from "../address/index.ts";

/** One evaluated identity of a message (RFC 7208 sections 2.3 and 2.4). */
export interface Verdict {
  readonly identity: "mailfrom" | "helo";
  /** `local@domain`; `postmaster@HELO` for the HELO identity. */
  readonly sender: OctetString;
  readonly outcome: Outcome;
}

/** What the evaluations of one message have shown so far. */
export interface Findings {
  /** The HELO identity, where it is evaluated besides the sender (CheckHelo). */
  readonly helo: Verdict | undefined;
  /** The sender: MAIL FROM, or the HELO identity where the sender is null. */
  readonly sender: Verdict | undefined;
  /** The TrustedForwarder that the client is. */
  readonly forwarder: string | undefined;
  /** How many of the TrustedForwarder lines have been evaluated. */
  readonly forwardersAsked: number;
}

/** The findings before anything is evaluated. */
export const NO_FINDINGS: Findings = {
  helo: undefined,
  sender: undefined,
  forwarder: undefined,
  forwardersAsked: 0,
};
