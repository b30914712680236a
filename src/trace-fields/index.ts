/** The fields that record what was found: how they are written, and which of those that come in are read or go. */
export { authenticationResults } from "./authentication-results.ts";
export { printable } from "./field-text.ts";
export { ResultsField } from "./forged-results.ts";
export type { ReadResult, ReadResults } from "./read-results.ts";
export { type CheckedIdentity, guessField, receivedSpf, type TraceFacts } from "./received-spf.ts";
export { tagSubject } from "./subject.ts";
