import type { OctetString } from "./octets.ts";

/**
 * The argument of MAIL FROM or RCPT TO, read as RFC 5321 section 4.1.2 has it (RFC 6531 for octets above
 * 0x7F), angle brackets and source route taken off. `address` is `local@domain` as it was written, with a
 * quoted local part still quoted.
 */
export type Path =
  | { readonly kind: "null" }
  | {
      readonly kind: "mailbox";
      readonly address: OctetString;
      /** With quotes and backslashes taken off. */
      readonly localPart: OctetString;
      /** Lower case, without a final dot; `[…]` for an address literal; empty for a bare `postmaster`. */
      readonly domain: OctetString;
    }
  | { readonly kind: "malformed"; readonly reason: string };
