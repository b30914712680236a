/**
 * A string in which every character is one octet (U+0000 to U+00FF), the way bytes come from the milter
 * wire and out of DNS. Nothing in the cores guesses an encoding; where text is meant to be UTF-8
 * (RFC 6531, RFC 8616) it is decoded at the place that needs it.
 */
export type OctetString = string;

/** The octets of a text written by a person or another program, as UTF-8. */
export function octetsOfText(text: string): OctetString {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The text that the octets spell as UTF-8, or undefined where they are not UTF-8. */
export function textOfOctets(octets: OctetString): string | undefined {
  const text = Buffer.from(octets, "latin1").toString("utf8");
  return text.includes("\uFFFD") && octetsOfText(text) !== octets ? undefined : text;
}

/** Whether every octet is ASCII (0x00 to 0x7F). */
export function isAscii(octets: OctetString): boolean {
  return !/[^\0-\x7f]/.test(octets);
}

/**
 * A copy of the text in one piece. A text put together from parts holds on to them, and one cut out holds on to all
 * of it: a packet, a record. A text that is kept for an hour must not.
 */
export function ownText(text: OctetString): OctetString {
  if (text.length > SCRATCH.length) return Buffer.from(text, "latin1").toString("latin1");
  return SCRATCH.toString("latin1", 0, SCRATCH.write(text, "latin1"));
}

/** Where short texts are copied by way of; a buffer for each would be garbage. */
const SCRATCH = Buffer.alloc(1024);
