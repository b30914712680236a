import type { IpAddress, OctetString } from "../address/index.ts";

/** RFC 7208 section 4.6.2. */
export type Qualifier = "+" | "-" | "~" | "?";

/** A piece of a macro-string (RFC 7208 section 7.1). */
export type MacroPart =
  | { readonly kind: "literal"; readonly text: OctetString }
  | {
      readonly kind: "macro";
      /** Lower-case letter: s l o d i p h c r t v; xr xs xe in the operator's own explanation. */
      readonly letter: string;
      /** Written in upper case: the value is URL-escaped (RFC 7208 section 7.3). */
      readonly escape: boolean;
      /** How many right-hand parts are kept; undefined keeps all. */
      readonly digits: number | undefined;
      readonly reverse: boolean;
      /** Delimiters to split at; "." where none is given. */
      readonly delimiters: string;
    };

/** A parsed macro-string and the text it was read from. */
export interface MacroString {
  readonly text: OctetString;
  readonly parts: readonly MacroPart[];
}

/** Prefix lengths of the `a` and `mx` mechanisms (RFC 7208 section 5.3). */
export interface DualCidr {
  readonly ip4: number;
  readonly ip6: number;
}

/** A mechanism (RFC 7208 section 5). A missing domain-spec means the current domain. */
export type Mechanism =
  | { readonly kind: "all" }
  | { readonly kind: "include"; readonly target: MacroString }
  | { readonly kind: "a" | "mx"; readonly target: MacroString | undefined; readonly cidr: DualCidr }
  | { readonly kind: "ptr"; readonly target: MacroString | undefined }
  | { readonly kind: "ip4" | "ip6"; readonly address: IpAddress; readonly prefixLength: number }
  | { readonly kind: "exists"; readonly target: MacroString };

/** A qualifier and a mechanism, with the term as it was published. */
export interface Directive {
  readonly text: OctetString;
  readonly qualifier: Qualifier;
  readonly mechanism: Mechanism;
}

/** A modifier (RFC 7208 section 6); unknown ones are kept by name and value. */
export interface Modifier {
  readonly text: OctetString;
  readonly name: string;
  readonly value: MacroString;
}

/** A record after its version section (RFC 7208 section 4.6). */
export interface SpfRecord {
  readonly directives: readonly Directive[];
  readonly redirect: Modifier | undefined;
  readonly explanation: Modifier | undefined;
  readonly unknownModifiers: readonly Modifier[];
}

/** Why a record does not parse: the term and the reason, in words. */
export interface RecordFault {
  readonly term: OctetString;
  readonly reason: string;
}

/** Thrown while a record or a macro-string is parsed; the message is the reason of the fault. */
export class RecordSyntaxError extends Error {}

/**
 * A record as text: version section, directives in their order, then redirect=, exp= and the other modifiers.
 * Every term stands as it was written, so parsing the text gives an equal record (RFC 7208 section 4.6.1 lets
 * modifiers stand anywhere).
 */
export function printRecord(record: SpfRecord): OctetString {
  const modifiers = [record.redirect, record.explanation, ...record.unknownModifiers];
  return ["v=spf1", ...record.directives, ...modifiers]
    .flatMap((term) => (term === undefined ? [] : [typeof term === "string" ? term : term.text]))
    .join(" ");
}

/** The directives alone, as SPFRules and SPFGuess have them. */
export function printMechanisms(record: SpfRecord): OctetString {
  return record.directives.map(({ text }) => text).join(" ");
}

/** Whether a domain says with its whole record that it sends no mail: `v=spf1 -all`, and no more. */
export function isNoMailRecord(text: OctetString): boolean {
  return /^v=spf1 +-all *$/i.test(text);
}

const SHOWN_MAX = 80;

/** Octets from a record or a client for a problem text: printable ASCII, `?` for others, no longer than `max`. */
export function printable(octets: OctetString, max = SHOWN_MAX): string {
  const shown = octets.length > max ? `${octets.slice(0, max)}...` : octets;
  return shown.replace(/[^\x20-\x7e]/g, "?");
}
