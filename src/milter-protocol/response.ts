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

/** A change to the message, allowed between end of message and its final answer. */
export type Edit =
  | { readonly kind: "addHeader"; readonly name: string; readonly value: string }
  | { readonly kind: "insertHeader"; readonly index: number; readonly name: string; readonly value: string }
  | {
      /** `index` counts fields of that name from 1; an empty value deletes. */
      readonly kind: "changeHeader";
      readonly index: number;
      readonly name: string;
      readonly value: string;
    }
  /** The envelope form, with angle brackets. */
  | { readonly kind: "addRecipient" | "deleteRecipient"; readonly path: string }
  | { readonly kind: "quarantine"; readonly reason: string };

/** Go on. */
export const CONTINUE: Response = { kind: "continue" };
/** Nothing more is asked about this connection or message. */
export const ACCEPT: Response = { kind: "accept" };
