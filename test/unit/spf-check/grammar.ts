/**
 * The grammar of RFC 7208 section 12 as regular expressions, with what its prose adds: the judge of what a record
 * is, written apart from the parser that it judges.
 */
import { isIPv4, isIPv6 } from "node:net";

const EXPAND = /%\{[slodiphv](?:0*[1-9]\d*)?r?[.\-+,/_=]*\}|%[%_-]/.source;
const EXPAND_IN_TEXT = /%\{[slodiphvcrt](?:0*[1-9]\d*)?r?[.\-+,/_=]*\}|%[%_-]/.source;
const LITERAL = /[\x21-\x24\x26-\x7e]/.source;
const TOP_LABEL = /(?:[a-z0-9]*[a-z][a-z0-9]*|[a-z0-9]+-[a-z0-9-]*[a-z0-9])/.source;
const DOMAIN_SPEC = `(?:${EXPAND}|${LITERAL})*(?:\\.${TOP_LABEL}\\.?|${EXPAND})`;
const CIDR4 = "/(0|[1-9][0-9]?)";
const CIDR6 = "/(0|[1-9][0-9]{0,2})";

const rule = (source: string): RegExp => new RegExp(`^(?:${source})$`, "i");

const QUALIFIER = /^[+\-?~]/;
const ALL = rule("all");
const NAMED = rule(`(?:include|exists):${DOMAIN_SPEC}`);
const PTR = rule(`ptr(?::${DOMAIN_SPEC})?`);
const ADDRESS = rule(`(?:a|mx)(?::${DOMAIN_SPEC})?(?:${CIDR4})?(?:/${CIDR6})?`);
const IP4 = rule(`ip4:([0-9.]+)(?:${CIDR4})?`);
const IP6 = rule(`ip6:([0-9a-f:.]+)(?:${CIDR6})?`);
const KNOWN_MODIFIER = rule(`(redirect|exp)=${DOMAIN_SPEC}`);
const MODIFIER = rule(`([a-z][a-z0-9_.-]*)=(?:${EXPAND_IN_TEXT}|${LITERAL})*`);

/** Whether a text is a record. */
export function isRecord(text: string): boolean {
  if (!/^v=spf1(?: |$)/i.test(text)) return false;
  const terms = text.split(" ").slice(1).filter(Boolean);
  const once = (name: string): boolean =>
    terms.filter((term) => term.toLowerCase().startsWith(`${name}=`)).length <= 1;
  return once("redirect") && once("exp") && terms.every((term) => isModifier(term) || isDirective(term));
}

/** Whether a text is what an explanation, or the value of an unknown modifier, may be. */
export function isExplanation(text: string): boolean {
  return rule(`(?:${EXPAND_IN_TEXT}|${LITERAL}| )*`).test(text);
}

/** Whether a text is a domain-spec. */
export function isDomainSpec(text: string): boolean {
  return rule(DOMAIN_SPEC).test(text);
}

function isModifier(term: string): boolean {
  const name = MODIFIER.exec(term)?.[1]?.toLowerCase();
  return name === "redirect" || name === "exp" ? KNOWN_MODIFIER.test(term) : name !== undefined;
}

function isDirective(term: string): boolean {
  const mechanism = term.replace(QUALIFIER, "");
  if (ALL.test(mechanism) || NAMED.test(mechanism) || PTR.test(mechanism)) return true;
  const address = ADDRESS.exec(mechanism);
  if (address !== null) return Number(address[1] ?? 0) <= 32 && Number(address[2] ?? 0) <= 128;
  const ip4 = IP4.exec(mechanism);
  if (ip4 !== null) return isIPv4(ip4[1] ?? "") && Number(ip4[2] ?? 0) <= 32;
  const ip6 = IP6.exec(mechanism);
  return ip6 !== null && isIPv6(ip6[1] ?? "") && Number(ip6[2] ?? 0) <= 128;
}
