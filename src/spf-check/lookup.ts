import type { IpAddress, OctetString } from "../address/index.ts";

/** What one record of each type holds, as the evaluator reads it. */
export interface RecordData {
  /** The character-strings of one TXT record, joined without spaces (RFC 7208 section 3.3). */
  readonly TXT: OctetString;
  readonly A: IpAddress;
  readonly AAAA: IpAddress;
  readonly MX: { readonly preference: number; readonly exchange: OctetString };
  readonly PTR: OctetString;
}

/** The record types that check_host() asks for; type 99 (SPF) is not among them (RFC 7208 section 3.1). */
export type RecordType = keyof RecordData;

/** One DNS question, class IN. The name is in octets, without the final dot. */
export interface Question<T extends RecordType = RecordType> {
  readonly name: OctetString;
  readonly type: T;
}

/**
 * What came of a question. `nodata` and `nxdomain` carry the negative TTL of RFC 2308 in seconds;
 * a `fault` is every other RCODE, a time-out, or an answer that could not be read (RFC 7208 section 4.4):
 * it says in words what happened and is never kept.
 */
export type Answer<T extends RecordType = RecordType> =
  | { readonly status: "found"; readonly records: readonly RecordData[T][]; readonly ttlSeconds: number }
  | { readonly status: "nodata" | "nxdomain"; readonly ttlSeconds: number }
  | { readonly status: "fault"; readonly problem: string };

/**
 * What the evaluator yields. `ask` must be answered by the value given to `next()`; `hint` names questions
 * that the parsed record may need later: the driver may ask them early or ignore them, they count nothing
 * and are resumed with no value.
 */
export type Step =
  | { readonly kind: "ask"; readonly question: Question }
  | { readonly kind: "hint"; readonly questions: readonly Question[] };

/**
 * Where answers come from: the answer cache, a lookup shared with other evaluations, the network. `done` is
 * called exactly once, before `ask` returns where the answer is in memory, and never after the returned cancel
 * function was called. Out of time (`deadlineMs` on the caller's monotonic clock) is a fault, never a throw.
 */
export interface AnswerSource {
  ask(question: Question, deadlineMs: number, done: (answer: Answer) => void): () => void;
}
