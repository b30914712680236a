import type { ProtocolError } from "milter-protocol";

/** What a server tells the operator. `peer` is `unix` or `address:port`. */
export type ServerEvent =
  /** The MTA has broken the protocol; its connection is closed. */
  | { readonly event: "protocol-error"; readonly peer: string; readonly error: ProtocolError }
  /** A handler has thrown: a fault of ours. The session has answered for it. */
  | { readonly event: "handler-error"; readonly peer: string; readonly error: unknown }
  /** Connections over MaxConnections were closed; told at once and then at most once a minute. */
  | { readonly event: "connection-refused"; readonly count: number; readonly maxConnections: number }
  /** Connections that held too much of the memory for all were closed; told at once and then at most once a minute. */
  | { readonly event: "memory-budget"; readonly count: number; readonly octetsMax: number }
  /** Messages that held too much of the memory for all were answered 452 4.3.1; told at once and then at most once a minute. */
  | { readonly event: "messages-deferred"; readonly count: number; readonly octetsMax: number }
  /** accept(2) has failed, for lack of descriptors for one; told at once and then at most once a minute. */
  | { readonly event: "accept-error"; readonly count: number; readonly code: string };

/** Counters of a server since its start, and what is open now. */
export interface ServerStatistics {
  readonly open: number;
  /** Connections open in the middle of a message. */
  readonly busy: number;
  readonly accepted: number;
  readonly refused: number;
  readonly acceptErrors: number;
  readonly idleClosed: number;
  readonly overBudget: number;
  /** Messages that were answered 452 4.3.1 for what they held. */
  readonly deferred: number;
  readonly protocolErrors: number;
  readonly handlerErrors: number;
}
