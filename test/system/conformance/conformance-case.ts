import type { SpfResult } from "spf-check";
import type { ZoneData } from "./zone.ts";

/** A case of a suite: a zone, a client and identities, and what may come of them. */
export interface ConformanceCase {
  readonly suite: string;
  readonly name: string;
  readonly helo: string;
  /** The client's address. */
  readonly host: string;
  /** Empty: the null sender, so the HELO identity is checked. */
  readonly mailfrom: string;
  readonly zonedata: ZoneData;
  /** The results allowed, the preferred one first. */
  readonly result: readonly SpfResult[];
  /** The texts allowed on fail; `DEFAULT`: the domain gives none. */
  readonly explanation?: string | readonly string[];
  /** What the text on fail must match, where it cannot be known in advance. */
  readonly explanation_re?: string;
  readonly receiver?: string;
  /** The section of RFC 7208, or another RFC, that decides. */
  readonly section?: string;
  readonly lookups?: number;
  readonly voids?: number;
  readonly mechanism?: string | null;
  /** Words that the problem must contain. */
  readonly problem?: string;
  /** What local rules or guess rules lead to; null: nothing. */
  readonly local?: SpfResult | null;
  readonly guess?: SpfResult | null;
  /** The value of the Received-SPF field, unfolded. */
  readonly receivedSpf?: string;
  readonly options?: CaseOptions;
}

/** What the operator has set, as texts. */
export interface CaseOptions {
  readonly lookupLimit?: number;
  readonly voidLookupLimit?: number;
  readonly rules?: string;
  readonly guess?: string;
  readonly explanation?: string;
  readonly overrides?: Readonly<Record<string, string>>;
  readonly fallbacks?: Readonly<Record<string, string>>;
}
