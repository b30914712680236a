import type { IpAddress, OctetString } from "../address/index.ts";
import type { SpfRecord } from "./record.ts";

/** The limits of RFC 7208 section 4.6.4. */
export interface LookupLimits {
  /** Terms that cause DNS queries: include, a, mx, ptr, exists, redirect. RFC: 10. */
  readonly lookupLimit: number;
  /** Lookups that find nothing. RFC: 2. */
  readonly voidLookupLimit: number;
}

/** What the operator adds to the published policy. All of it is parsed when the configuration is read. */
export interface LocalPolicy {
  /** `SPFRules`: local mechanisms, spliced in before the trailing run that ends in `all`. */
  readonly rules: SpfRecord | undefined;
  /** `SPFGuess`: the record of domains that publish nothing. */
  readonly guess: SpfRecord | undefined;
  /** `SPFExplanation`: a macro-string, also with %{xr} %{xs} %{xe}. */
  readonly explanation: string | undefined;
  /** `OverrideRecord`: record texts by lower-case domain, used instead of the published one. */
  readonly overrides: ReadonlyMap<string, string>;
  /** `FallbackRecord`: record texts by lower-case domain, used where none is published. */
  readonly fallbacks: ReadonlyMap<string, string>;
}

/** The arguments of check_host() (RFC 7208 section 4.1) and what its macros need. */
export interface CheckHostInput {
  /** The client. An IPv4-mapped IPv6 address is evaluated as IPv4 (RFC 7208 section 5). */
  readonly ip: IpAddress;
  /** The domain whose policy is asked for; U-labels are converted (RFC 8616). */
  readonly domain: OctetString;
  /** `local@domain`; for the HELO identity `postmaster@helo` (RFC 7208 sections 2.4 and 4.3). */
  readonly sender: OctetString;
  /** The HELO or EHLO name, for %{h}. */
  readonly helo: OctetString;
  /** The name of the host that checks, for %{r}. */
  readonly receiver: OctetString;
  /** For %{t}: seconds since 1970. */
  readonly nowSeconds: number;
  readonly limits: LookupLimits;
  readonly localPolicy: LocalPolicy;
  /** Yield hints for what a parsed record will need. */
  readonly hints: boolean;
  /** Build the trace of the evaluation; costs nothing when false. */
  readonly trace: boolean;
}
