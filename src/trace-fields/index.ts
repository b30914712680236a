export { type AuthenticationResults, authenticationResults } from "./authentication-results.ts";
export type { CheckedIdentity, TraceFacts } from "./checked-identity.ts";
export { isForgedResult } from "./forged-results.ts";
export { guessField } from "./guess-field.ts";
export { printable } from "./printable.ts";
export { receivedSpf } from "./received-spf.ts";
export { tagSubject } from "./subject.ts";
