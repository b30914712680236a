import type { Answer } from "spf-check";
import { type KeepableAnswer, plainAnswer, readPlainAnswer } from "../dns/index.ts";

/** A larger answer is used and not shared. */
export const VALUE_OCTETS_MAX = 16 * 1024;
/** However long a TTL is: what other hosts hear of a domain is no older. */
const LIFE_MS_MAX = 24 * 3_600_000;
/** By so much the clocks of two hosts may differ. */
const SKEW_MS = 60_000;

/** What is kept in the engine of one answer, and until when. */
export interface SharedValue {
  readonly text: string;
  readonly lifeMs: number;
}

/** The answer as text: octets as latin1. Undefined where it is not to be shared. */
export function writeValue(key: string, answer: Answer, wallMs: number): SharedValue | undefined {
  if (!isKeepable(answer)) return undefined;
  const lifeMs = Math.min(answer.ttlSeconds * 1000, LIFE_MS_MAX);
  const text = JSON.stringify([wallMs, wallMs + lifeMs, plainAnswer(key, answer)]);
  return text.length > VALUE_OCTETS_MAX ? undefined : { text, lifeMs };
}

/** Whether an answer says something that holds for some time: no fault, and not what was never asked. */
export function isKeepable(answer: Answer): answer is KeepableAnswer {
  return answer.status !== "fault" && answer.ttlSeconds > 0 && answer.ttlSeconds !== Infinity;
}

/**
 * The answer to the question with that key, with what is left of its TTL: "over" where nothing is left, it was
 * written before `notBeforeMs`, or on a host whose clock is far ahead; undefined where it is no such value.
 */
export function readValue(
  key: string,
  text: string,
  { wallMs, notBeforeMs }: { readonly wallMs: number; readonly notBeforeMs: number },
): KeepableAnswer | "over" | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const [writtenMs, endsMs, plain] = value as readonly unknown[];
  if (typeof writtenMs !== "number" || typeof endsMs !== "number") return undefined;
  const read = readPlainAnswer(plain);
  if (read === undefined || (plain as readonly unknown[])[0] !== key) return undefined;
  if (endsMs - writtenMs > LIFE_MS_MAX) return undefined;
  // On a host whose clock is behind it has no more time left than it had when it was written.
  const ttlSeconds = Math.floor((endsMs - Math.max(wallMs, writtenMs)) / 1000);
  if (ttlSeconds <= 0 || writtenMs < notBeforeMs || writtenMs > wallMs + SKEW_MS) return "over";
  return { ...read.answer, ttlSeconds };
}
