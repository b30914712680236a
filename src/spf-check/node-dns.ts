import { parseIpAddress } from "../address/index.ts";
import type { Answer, CheckHostInput, RecordData, RecordType, Step } from "./types.ts";

/** What asks DNS: node:dns/promises, or a Resolver of it. */
export interface NodeResolver {
  resolve(name: string, type: RecordType): Promise<unknown>;
}

/** The limits of RFC 7208, nothing of the operator's own, and no extras: what a caller need not say. */
export const DEFAULT_INPUT: Pick<CheckHostInput, "receiver" | "limits" | "localPolicy" | "hints" | "trace"> =
  {
    receiver: "unknown",
    limits: { lookupLimit: 10, voidLookupLimit: 2 },
    localPolicy: {
      rules: undefined,
      guess: undefined,
      explanation: undefined,
      overrides: new Map(),
      fallbacks: new Map(),
    },
    hints: false,
    trace: false,
  };

/**
 * Answers a step of check_host() through node:dns; undefined for a step that is not a question. node:dns gives no TTL for
 * most types, so the answer has none and is not to be kept; and it refuses some names that macros legally make: those are
 * taken for names that do not exist.
 */
export async function answerFrom(resolver: NodeResolver, step: Step): Promise<Answer | undefined> {
  if (step.kind !== "ask") return undefined;
  const { name, type } = step.question;
  try {
    const records = ((await resolver.resolve(name, type)) as readonly unknown[])
      .map((record) => READ[type](record))
      .filter((record) => record !== undefined);
    return { status: "found", records, ttlSeconds: 0 };
  } catch (error) {
    const code = String((error as { readonly code?: unknown }).code);
    if (code === "ENODATA") return { status: "nodata", ttlSeconds: 0 };
    if (code === "ENOTFOUND" || code === "EBADNAME") return { status: "nxdomain", ttlSeconds: 0 };
    return { status: "fault", problem: code };
  }
}

const addressOf = (record: unknown): RecordData["A"] | undefined => parseIpAddress(String(record));

/** What node:dns gives for one record of each type. */
const READ: { readonly [T in RecordType]: (record: unknown) => RecordData[T] | undefined } = {
  A: addressOf,
  AAAA: addressOf,
  MX: (record) => {
    const { priority, exchange } = record as { readonly priority: number; readonly exchange: string };
    return { preference: priority, exchange };
  },
  PTR: String,
  TXT: (record) => (record as readonly string[]).join(""),
};
