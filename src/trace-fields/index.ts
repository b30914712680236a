/** The fields that record what was found: how they are written, and which of those that come in are read or go. */

export { printable } from "./field-text.ts";
export { ResultsField } from "./forged-results.ts";
export type { ReadResult, ReadResults } from "./read-results.ts";
export {
  authenticationResults,
  type CheckedIdentity,
  guessField,
  receivedSpf,
  type TraceFacts,
  tagSubject,
} from "./written-fields.ts";
