/** A line in a log, its end not counted. */
export const LINE_OCTETS_MAX = 1000;
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

/** The line cut at its limit. */
export function boundedLine(line: string): string {
  return cut(line, LINE_OCTETS_MAX);
}

/** Never leaves half an escape at the end. */
function cut(text: string, octetsMax: number): string {
  if (text.length <= octetsMax) return text;
  const head = text.slice(0, octetsMax - CUT.length);
  return head.replace(/\\(?:x[0-9a-f]?)?$/, "") + CUT;
}

function hexOctet(octet: number): string {
  return `\\x${octet.toString(16).padStart(2, "0")}`;
}
