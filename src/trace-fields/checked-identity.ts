import type { Outcome, SpfResult } from "spf-check";
import type { IpAddress, OctetString } from "../address/index.ts";

/** Who connected and who checked: what the trace fields say besides the verdict. */
export interface TraceFacts {
  /** The name of the host that checks. */
  readonly receiver: OctetString;
  /** The address that was evaluated. */
  readonly ip: IpAddress;
  readonly helo: OctetString;
  /** The message may carry UTF-8 in its fields (RFC 6531). */
  readonly smtputf8: boolean;
}

/** One evaluated identity of a message. */
export interface CheckedIdentity {
  /** `helo` for the HELO identity and for the null sender. */
  readonly identity: "mailfrom" | "helo";
  /** `local@domain`; `postmaster@HELO` for the HELO identity. */
  readonly sender: OctetString;
  readonly outcome: Pick<Outcome, "result" | "mechanism" | "problem" | "recordSource" | "local" | "guess">;
}

/** The results as RFC 7208 section 9.1 is commonly written; they are read without regard to case. */
const TITLES: Record<SpfResult, string> = {
  none: "None",
  neutral: "Neutral",
  pass: "Pass",
  fail: "Fail",
  softfail: "SoftFail",
  temperror: "TempError",
  permerror: "PermError",
};

/** `Pass`, `SoftFail` … */
export function titleOf(result: SpfResult): string {
  return TITLES[result];
}
