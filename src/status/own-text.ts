/** What is kept of a text from outside, in characters: more than an address or a host name has. */
const TEXT_MAX = 320;

/**
 * A copy of the beginning of a text. What is cut out of a packet holds on to all of it, and what is kept for a week
 * must not.
 */
export function ownText(octets: string, charactersMax = TEXT_MAX): string {
  return Buffer.from(octets.slice(0, charactersMax), "latin1").toString("latin1");
}

/**
 * Octets as a person reads them: UTF-8 where they are, `\xHH` for what is neither that nor visible. Nothing that
 * turns the direction of text or hides in it is left.
 */
export function shownText(octets: string, charactersMax = TEXT_MAX): string {
  const text = Buffer.from(octets, "latin1").toString("utf8");
  const decoded = text.includes("\uFFFD") ? octets.replace(/[^\0-\x7f]/g, escaped) : text;
  const shown = decoded.replace(/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, escaped);
  return shown.length <= charactersMax
    ? shown
    : `${shown.slice(0, charactersMax - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}
