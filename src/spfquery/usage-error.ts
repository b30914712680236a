/** Arguments or a batch line that cannot be understood; the message says what is wrong and what is accepted. */
export class UsageError extends Error {}
