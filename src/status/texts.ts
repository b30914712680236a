/**
 * What becomes of the texts of outsiders: they are kept, shown, and made into lines for smf-spf.conf, which the page and
 * --status offer. There they go into a file that decides who is let in, so a line is made of addresses and plain domain
 * names only; for anything else no line is offered.
 */
import { isIP } from "node:net";
import { isHostName, ownText } from "../address/index.ts";
import type { Figures } from "./figures.ts";

/** What is kept of a text from outside, in characters: more than an address or a host name has. */
const TEXT_MAX = 320;

/** The beginning of a text, to be kept for a week: a copy that does not hold on to the packet it came in. */
export function keptText(octets: string, charactersMax = TEXT_MAX): string {
  return ownText(octets.slice(0, charactersMax));
}

/**
 * What is not seen, or moves what is: controls, marks of direction, every space but one; fillers and selectors, which
 * are letters and marks by their category; and marks piled on one letter, which cover the lines around it.
 */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{DI}\u2800]|(?! )\p{Zs}|(?<=\p{M}{2})\p{M}|^\p{M}/gu;

/** The same text without anything that a terminal obeys or that hides in it. */
export function visibleText(text: string): string {
  return text.replace(UNSEEN, "?");
}

/**
 * Octets as a person reads them: UTF-8 where they are, `\xHH` for what is neither that nor visible. Nothing that
 * turns the direction of text or hides in it is left.
 */
export function shownText(octets: string, charactersMax = TEXT_MAX): string {
  const text = Buffer.from(octets, "latin1").toString("utf8");
  const decoded = text.includes("\uFFFD") ? octets.replace(/[^\0-\x7f]/g, escaped) : text;
  const shown = decoded.replace(UNSEEN, escaped);
  return shown.length <= charactersMax
    ? shown
    : `${shown.slice(0, charactersMax - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/** Nothing from this domain is refused, tagged or quarantined any more, only logged. */
export function lineForDomain(domain: string): string | null {
  return isPlainDomain(domain) ? `PolicyFor from=@${domain} ReportOnly=on` : null;
}

/** Mail of a domain whose record is wrong passes. There is no line where it does already. */
export function lineForDomainInError(
  domain: string,
  result: string,
  refused: Figures["refused"],
): string | null {
  const isPermerror = result === "permerror";
  if (!isPlainDomain(domain) || !(isPermerror ? refused.permerror : refused.temperror)) return null;
  return `PolicyFor from=@${domain} ${isPermerror ? "RefusePermError=off" : "AcceptTempError=on"}`;
}

/** All mail of this client passes. */
export function lineForClient(ip: string): string | null {
  return isIP(ip) === 0 ? null : `WhitelistIP ${ip}`;
}

/** Mail that the forwarder brings passes where the client gets SPF pass for the forwarder's own domain. */
export function lineForForwarder(ptr: string): string | null {
  const name = ptr.toLowerCase().replace(/\.$/, "");
  const labels = name.split(".");
  const domain = labels.length > 2 ? labels.slice(1).join(".") : name;
  return isPlainDomain(domain) ? `TrustedForwarder ${domain}` : null;
}

/** In lower case, so that one domain has one line. */
function isPlainDomain(text: string): boolean {
  return text === text.toLowerCase() && isHostName(text);
}
