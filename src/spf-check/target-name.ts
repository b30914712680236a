import { isAscii, isWireName, type OctetString, withoutFinalDot } from "../address/index.ts";
import { expandEnd, type MacroValues } from "./expand-macros.ts";
import type { MacroString } from "./record.ts";

const NAME_OCTETS_MAX = 253;

/**
 * The name that a domain-spec stands for: expanded, without its final dot, and with left-hand labels taken off
 * until no more than 253 octets are left (RFC 7208 section 7.3).
 */
export function targetName(target: MacroString, values: MacroValues): OctetString {
  const name = withoutFinalDot(expandEnd(target, values, NAME_OCTETS_MAX + 1));
  if (name.length <= NAME_OCTETS_MAX) return name;
  // The dot may be the octet just before the 253 that fit.
  const dot = name.indexOf(".", name.length - NAME_OCTETS_MAX - 1);
  return dot === -1 ? name : name.slice(dot + 1);
}

/**
 * Whether DNS can be asked for a name at all; one that it cannot carry does not exist. The name comes without its final
 * dot: one more is a label of no length (RFC 7208 section 4.3).
 */
export function isAskable(name: OctetString): boolean {
  return !name.endsWith(".") && isAscii(name) && isWireName(name);
}
