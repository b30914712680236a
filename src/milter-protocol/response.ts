/** A verdict on the stage at hand. */
export type Response =
  | { readonly kind: "continue" | "accept" | "reject" | "discard" | "tempfail" }
  | {
      /** SMFIR_REPLYCODE: every line gets the code, `%` is doubled when it is written. */
      readonly kind: "reply";
      /** Three digits, 4xx or 5xx. */
      readonly code: string;
      /** RFC 3463, same class as the code. */
      readonly enhanced: string;
      /** Printable ASCII; without code and enhanced code. */
      readonly lines: readonly string[];
    };

/**
 * A change to the message, allowed between end of message and its final answer. Header values are without
 * the one space after the colon, which the MTA writes; further lines of a folded value begin after LF with
 * a space or tab.
 */
export type Edit =
  /** At the end of the header. */
  | { readonly kind: "addHeader"; readonly name: string; readonly value: string }
  /** `index` counts all fields from the top; 0 is above everything, the MTA's own Received too. */
  | { readonly kind: "insertHeader"; readonly index: number; readonly name: string; readonly value: string }
  | {
      /** `index` counts fields of that name from 1; an empty value deletes. */
      readonly kind: "changeHeader";
      readonly index: number;
      readonly name: string;
      readonly value: string;
    }
  /** The envelope form, with angle brackets; with ESMTP parameters it is SMFIR_ADDRCPT_PAR. */
  | { readonly kind: "addRecipient"; readonly path: string; readonly parameters?: string }
  /** Exactly as the recipient was given in RCPT. */
  | { readonly kind: "deleteRecipient"; readonly path: string }
  /** SMFIR_CHGFROM. */
  | { readonly kind: "changeSender"; readonly path: string; readonly parameters?: string }
  /** One stretch of a new body; the first replaces the old one, further ones are appended. */
  | { readonly kind: "replaceBody"; readonly bytes: Buffer }
  | { readonly kind: "quarantine"; readonly reason: string };

/** Go on. */
export const CONTINUE: Response = { kind: "continue" };
/** Nothing more is asked about this connection or message. */
export const ACCEPT: Response = { kind: "accept" };
/** The MTA's own words for "come back later". */
export const TEMPFAIL: Response = { kind: "tempfail" };

/**
 * What else a filter may say: skip the rest of this kind of command (SMFIP_SKIP), still at work at end of
 * message, close the SMTP connection with 421, or drop this filter.
 */
export type Signal = "skip" | "progress" | "shutdown" | "connectionFailure";
