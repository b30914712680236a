import type { OctetString } from "../address/index.ts";

/**
 * A copy of the text in one piece. What is put together from parts holds on to them, and what is cut out holds on
 * to all of it: a packet, a record. A text that is kept for an hour must not.
 */
export function ownText(text: OctetString): OctetString {
  return Buffer.from(text, "latin1").toString("latin1");
}
