import {
  parseMacroString,
  parseMechanisms,
  parseRecord,
  printMechanisms,
  type RecordFault,
  type SpfRecord,
} from "spf-check";
import { type OctetString, octetsOfText, textOfOctets } from "../../address/index.ts";
import { oneWord, quotedWhere, shown } from "../lines.ts";
import { domainName } from "./name.ts";
import { invalid, ok, textKind, type ValueKind, withCutWarning } from "./value-kind.ts";

/** The record that SPFBestGuess is short for, as SPFGuess would have it. */
export const BEST_GUESS = "a/24 mx/24 ptr";

/** Mechanisms without a version section, as SPFRules and SPFGuess have them. */
export const mechanisms: ValueKind<SpfRecord> = textKind(
  "mechanisms",
  `mechanisms such as ${BEST_GUESS}`,
  (text) => {
    const parsed = parseMechanisms(octetsOfText(text));
    return "fault" in parsed ? invalid(describe(parsed.fault, text)) : ok(parsed.record);
  },
  (record) => written(printMechanisms(record)),
);

/** The operator's own explanation: a macro-string, also with `%{xr}`, `%{xs}` and `%{xe}`. */
export const explanation: ValueKind<string> = textKind(
  "explanation",
  "ASCII text with the macros of RFC 7208 section 7, such as %{i} and %{d}; write %% for a percent sign",
  (text) => {
    const octets = octetsOfText(text);
    const parsed = parseMacroString(octets, "own explanation");
    return "fault" in parsed ? invalid(describe(parsed.fault, text)) : ok(octets);
  },
  written,
);

/** A domain and the record that is used for it. */
export interface DomainRecord {
  readonly domain: string;
  readonly record: string;
}

const DOMAIN_RECORD_ACCEPTED = "a domain and its record, such as example.net v=spf1 mx -all";

/** `domain record`; the record may be in double quotes. */
export const domainRecord: ValueKind<DomainRecord> = {
  accepted: DOMAIN_RECORD_ACCEPTED,
  format: ({ domain, record }) => `${domain} ${quotedWhere(/["#]/, written(record))}`,
  read: ({ words: [first, ...terms], cut }) => {
    if (first === undefined || terms.length === 0) {
      return invalid(`missing record: expected ${DOMAIN_RECORD_ACCEPTED}`);
    }
    const domain = domainName.read(oneWord(first));
    if ("fault" in domain) return domain;
    const record = terms.join(" ");
    const parsed = parseRecord(octetsOfText(record));
    if (!("fault" in parsed)) {
      const reading = ok({ domain: domain.value, record: octetsOfText(record) });
      return cut ? withCutWarning(reading) : reading;
    }
    return invalid(
      `invalid record ${shown(record)}: ${describe(parsed.fault, record)}; expected ${DOMAIN_RECORD_ACCEPTED}`,
    );
  },
};

/** Octets that were read from a file of text. */
function written(octets: OctetString): string {
  return textOfOctets(octets) ?? octets;
}

/** Names the term only where it is not the whole text, which the message holds already. */
function describe({ term, reason }: RecordFault, whole: string): string {
  return term === octetsOfText(whole) ? reason : `in ${shown(term)}, ${reason}`;
}
