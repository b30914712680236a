import type { OctetString } from "../address/index.ts";
import type { SpfRecord } from "./record.ts";

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
