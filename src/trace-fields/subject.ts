import { isAscii, type OctetString, octetsOfText } from "../address/index.ts";

const LINE_OCTETS_MAX = 998;
const NAME_OCTETS = "Subject: ".length;
/** An encoded-word has at most 75 octets (RFC 2047 section 2), `=?UTF-8?B?` and `?=` among them. */
const ENCODED_OCTETS_MAX = 45;

/**
 * The Subject with the tag in front of it: `Tag Subject`. Folds, encoded words and the white space with which
 * the value begins stay as they were; an MTA that keeps leading spaces (SMFIP_HDR_LEADSPC) gets its own back.
 * A tag that is not ASCII becomes encoded words (RFC 2047).
 *
 * @param value the field's value as the MTA gave it; empty where there is no Subject
 * @param tag the operator's text
 */
export function tagSubject(value: OctetString, tag: string): OctetString {
  const leading = /^[ \t]*/.exec(value)?.[0] ?? "";
  const subject = value.slice(leading.length);
  const octets = octetsOfText(tag.replace(/[\0-\x1f\x7f]+/g, " ").trim());
  if (octets === "") return value;
  if (subject === "") return leading + encodeTag(octets, false);
  const shown = encodeTag(octets, subject.startsWith("=?"));
  // A fold straight after the tag is already the space between them.
  if (/^\r?\n[ \t]/.test(subject)) return leading + shown + subject;
  const firstLine = subject.split("\n", 1)[0] ?? "";
  const length = NAME_OCTETS + leading.length + shown.length + 1 + firstLine.length;
  return `${leading}${shown}${length > LINE_OCTETS_MAX ? "\n " : " "}${subject}`;
}

/** Between two encoded words a reader drops the space, so it is then encoded along. */
function encodeTag(octets: OctetString, beforeEncodedWord: boolean): OctetString {
  if (isAscii(octets)) return octets;
  const words: string[] = [];
  let chunk = "";
  for (const character of Buffer.from(octets + (beforeEncodedWord ? " " : ""), "latin1").toString("utf8")) {
    const more = chunk + character;
    if (Buffer.byteLength(more, "utf8") > ENCODED_OCTETS_MAX) {
      words.push(chunk);
      chunk = character;
    } else {
      chunk = more;
    }
  }
  words.push(chunk);
  return words.map((word) => `=?UTF-8?B?${Buffer.from(word, "utf8").toString("base64")}?=`).join(" ");
}
