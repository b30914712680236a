/** What the tests need of a real MTA. */

/** A message in the MTA's own quarantine queue. */
export interface HeldMessage {
  /** Where the MTA keeps it with the message. */
  readonly reason: string | undefined;
  /** As the queue file has them. */
  readonly recipients: readonly string[];
}

/** Another filter, which the MTA asks before ours or after it. */
export interface NextFilter {
  readonly name: string;
  /** Path of its Unix socket. */
  readonly socket: string;
}

export interface Mta {
  readonly name: "sendmail" | "postfix";
  readonly port: number;
  stop(): Promise<void>;
  /** Waits until every accepted message is delivered or held. */
  settled(): Promise<void>;
  held(): HeldMessage[];
  forgetHeld(): void;
}
