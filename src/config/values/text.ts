/** Values that are texts: tags, replies, SPF terms and records. */
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
import { nearest } from "./nearest.ts";
import {
  invalid,
  listed,
  ok,
  type Reading,
  textKind,
  type ValueKind,
  withCutWarning,
  wordKind,
} from "./value-kind.ts";

const TAG_OCTETS_MAX = 100;
const REASON_OCTETS_MAX = 400;
const AUTHSERV_ID_OCTETS_MAX = 255;

/** The text in front of a tagged Subject; letters beyond ASCII are encoded where it is written. */
export const subjectTag: ValueKind<string> = textKind(
  "tag",
  `at most ${TAG_OCTETS_MAX} octets of UTF-8 without control characters`,
  (text) =>
    /\p{Cc}/u.test(text)
      ? invalid("it contains a control character")
      : Buffer.byteLength(text, "utf8") > TAG_OCTETS_MAX
        ? invalid(`it is longer than ${TAG_OCTETS_MAX} octets`)
        : ok(text),
  String,
);

/** The authserv-id of RFC 8601 section 2.5. */
export const authservId: ValueKind<string> = wordKind(
  "name",
  "printable ASCII without spaces, such as mx.example.net",
  (word) =>
    /\s/.test(word)
      ? invalid("it contains a space")
      : (whyNotPrintable(word, AUTHSERV_ID_OCTETS_MAX) ?? ok(word)),
  String,
);

/** What a RejectReason may name, in curly brackets. */
export const PLACEHOLDERS = ["sender", "domain", "helo", "ip", "host", "result", "explanation"] as const;

/** The text of a refusal, with named placeholders or those of printf. */
export const rejectReason: ValueKind<string> = textKind(
  "text",
  `printable ASCII, at most ${REASON_OCTETS_MAX} characters, with ${listed(PLACEHOLDERS.map((name) => `{${name}}`))}, ` +
    `or %s up to three times, or %1$s, %2$s and %3$s`,
  (text) => whyNotPrintable(text, REASON_OCTETS_MAX) ?? namedFault(text) ?? printfReading(text),
  String,
);

function whyNotPrintable(text: string, octetsMax: number): { readonly fault: string } | undefined {
  if (/[^ -~]/.test(text)) return invalid("it contains characters other than printable ASCII");
  return text.length > octetsMax ? invalid(`it is longer than ${octetsMax} characters`) : undefined;
}

function namedFault(text: string): { readonly fault: string } | undefined {
  for (const [placeholder, name = ""] of text.matchAll(/\{(\w+)\}/g)) {
    if (PLACEHOLDERS.some((known) => known === name)) continue;
    const meant = nearest(name, PLACEHOLDERS);
    const hint = meant === undefined ? "" : ` (did you mean {${meant}}?)`;
    return invalid(`unknown placeholder ${placeholder}${hint}`);
  }
  return undefined;
}

/** sender, address and host: what the printf form can name. */
const PRINTF_ARGUMENTS = 3;

function printfReading(text: string): Reading<string> {
  const directives = [...text.replaceAll("%%", "").matchAll(/%(?:(\d+)\$)?s/g)];
  const numbers = directives.flatMap(([, number]) => (number === undefined ? [] : [Number(number)]));
  const wrong = numbers.find((number) => number < 1 || number > PRINTF_ARGUMENTS);
  if (wrong !== undefined) return invalid(`%${wrong}$s has no value: there are only ${PRINTF_ARGUMENTS}`);
  if (directives.length - numbers.length > PRINTF_ARGUMENTS) {
    return invalid(`%s is given more than ${PRINTF_ARGUMENTS} times`);
  }
  if (numbers.length > 0 && numbers.length < directives.length)
    return invalid("use either %s or %1$s, not both");
  const stray = /%(?!%|(?:\d+\$)?s)/.test(text.replaceAll("%%", ""));
  return stray ? ok(text, "a % not followed by s is sent as it is; write %% for a percent sign") : ok(text);
}

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
