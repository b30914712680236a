import { isWithinDomain, type OctetString, parseIpAddress } from "../address/index.ts";

/**
 * The host name of a client where the MTA has verified it, else undefined: what an MTA sends in place of a name
 * (`[192.0.2.9]`, `unknown`, nothing) is no name, and neither is an address that a PTR record spells.
 */
export function verifiedName(hostname: OctetString): OctetString | undefined {
  const name = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
  if (name === "" || /[[\]\s\0]/.test(name)) return undefined;
  return name.toLowerCase() === "unknown" || isAddress(name) ? undefined : name;
}

function isAddress(name: OctetString): boolean {
  return /^[\d.]*$|:/.test(name) && parseIpAddress(name) !== undefined;
}

/**
 * Whether a verified host name is the pattern's host or lies below it; with a leading dot only below it. Label
 * boundaries count, case and final dots do not.
 */
export function matchesHostName(pattern: string, name: OctetString | undefined): boolean {
  if (name === undefined) return false;
  if (!pattern.startsWith(".")) return pattern !== "" && isWithinDomain(name, pattern);
  const parent = pattern.slice(1);
  return parent !== "" && isWithinDomain(name, parent) && !isWithinDomain(parent, name);
}
