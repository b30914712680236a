import type { OctetString } from "../address/index.ts";

const SHOWN_MAX = 80;

/**
 * Octets from a record or a client as they may stand in a problem text: printable ASCII, `?` for what is not,
 * and no longer than `max`.
 */
export function printable(octets: OctetString, max = SHOWN_MAX): string {
  const shown = octets.length > max ? `${octets.slice(0, max)}...` : octets;
  return shown.replace(/[^\x20-\x7e]/g, "?");
}
