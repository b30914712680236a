import { nearest } from "../suggest.ts";
import { listed } from "./plain.ts";
import { invalid, ok, type Reading, textKind, type ValueKind, wordKind } from "./value-kind.ts";

/** What a RejectReason may name, in curly brackets. */
export const PLACEHOLDERS = ["sender", "domain", "helo", "ip", "host", "result", "explanation"] as const;

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

/** The text of a refusal, with named placeholders or those of printf. */
export const rejectReason: ValueKind<string> = textKind(
  "text",
  `printable ASCII, at most ${REASON_OCTETS_MAX} characters, with ${listed(PLACEHOLDERS.map((name) => `{${name}}`))}, ` +
    `or %s up to three times, or %1$s, %2$s and %3$s`,
  (text) => whyNotPrintable(text, REASON_OCTETS_MAX) ?? namedFault(text) ?? printfReading(text),
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
