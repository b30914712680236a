/**
 * What can be wrong with the bytes of an MTA. Each closes the connection. The codes are stable: they appear
 * in the log, and tests name them.
 */
export const PROTOCOL_ERROR_CODES = {
  "packet-empty": "a packet of length 0, which has no room for a command",
  "packet-too-long": "a packet that announces more than PACKET_OCTETS_MAX octets",
  "backlog-too-long": "more than BACKLOG_OCTETS_MAX octets sent while an answer was outstanding",
  "command-unknown": "a command octet that is none of SMFIC_",
  "command-out-of-order": "a command that has no meaning in this state of the session",
  "negotiation-missing": "a command before SMFIC_OPTNEG",
  "negotiation-malformed": "SMFIC_OPTNEG shorter than its three words",
  "version-unsupported": "an offer of a version below 2",
  "string-unterminated": "a string whose NUL is missing",
  "argument-missing": "HELO, MAIL, RCPT, CONNECT or a header without its string",
  "arguments-too-many": "more than ARGUMENTS_MAX strings after MAIL or RCPT",
  "connect-malformed": "SMFIC_CONNECT with an unknown family, or cut off before port and address",
  "macros-malformed": "SMFIC_MACRO without the command it is for",
  "macros-too-long": "a set of macros over MACRO_OCTETS_MAX octets",
} as const;

/** One of {@link PROTOCOL_ERROR_CODES}. */
export type ProtocolErrorCode = keyof typeof PROTOCOL_ERROR_CODES;

/** The MTA has broken the milter protocol. Faults of our own are other errors. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: ProtocolErrorCode;

  /** `detail` says what was read; nothing in it comes from the wire but numbers. */
  constructor(code: ProtocolErrorCode, detail = "") {
    super(`${code}: ${PROTOCOL_ERROR_CODES[code]}${detail === "" ? "" : ` (${detail})`}`);
    this.code = code;
  }
}
