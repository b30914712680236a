/** A line in a log, its end not counted. */
export const LINE_OCTETS_MAX = 1000;
/** What syslog writes before a text: time, a host name of 63 octets, ident. */
const HEAD_OCTETS_MAX = 100;
/** The text of a line that gets a head. */
export const TEXT_OCTETS_MAX = LINE_OCTETS_MAX - HEAD_OCTETS_MAX;
/** One value in a line: no client can push the others out of it. */
export const VALUE_OCTETS_MAX = 160;
const CUT = "...";

/** Text in printable ASCII: every other character becomes its UTF-8 octets as `\xHH`. */
export function printableText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, (run) => {
    const bytes = Buffer.from(run, "utf8");
    return Array.from(bytes, hexOctet).join("");
  });
}

/** An octet string in printable ASCII, at most `octetsMax` long. */
export function printableOctets(octets: string, octetsMax: number): string {
  const clean = octets
    .slice(0, octetsMax + 1)
    .replace(/[^\x20-\x7e]/g, (c) => hexOctet(c.charCodeAt(0) & 0xff));
  return cut(clean, octetsMax);
}

/**
 * A value from a client in a line of text: quotes and backslashes escaped, spaces as `\x20`, so that no value
 * can pass for two.
 */
export function fieldValue(octets: string): string {
  if (octets.length <= VALUE_OCTETS_MAX && !/[^!#-[\]-~]/.test(octets)) return octets;
  return cut(
    octets
      .slice(0, VALUE_OCTETS_MAX + 1)
      .replace(/["\\]/g, "\\$&")
      .replace(/[^\x21-\x7e]/g, (c) => hexOctet(c.charCodeAt(0) & 0xff)),
    VALUE_OCTETS_MAX,
  );
}

/** Words that may hold something a client said, between double quotes. */
export function quotedValue(octets: string): string {
  return `"${cut(printableOctets(octets, 2 * VALUE_OCTETS_MAX).replace(/["\\]/g, "\\$&"), 2 * VALUE_OCTETS_MAX)}"`;
}

/**
 * The text cut so that the line stays within its limit with a head before it.
 *
 * @param reserved octets for what is to follow the text
 */
export function boundedLine(text: string, reserved = 0): string {
  return cut(text, TEXT_OCTETS_MAX - reserved);
}

/** Never leaves half an escape at the end. */
function cut(text: string, octetsMax: number): string {
  if (text.length <= octetsMax) return text;
  const [whole = ""] = /^(?:[^\\]|\\x[0-9a-f]{2}|\\[^x])*/.exec(text.slice(0, octetsMax - CUT.length)) ?? [];
  return whole + CUT;
}

function hexOctet(octet: number): string {
  return `\\x${octet.toString(16).padStart(2, "0")}`;
}
