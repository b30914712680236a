import { octetsOfText } from "../address/index.ts";
import type { Json } from "./json-report.ts";
import { UsageError } from "./options.ts";
import type { Query, QuerySettings } from "./query.ts";
import { readAddress, readExplanation, readIp, readServer, shown } from "./values.ts";

/** A batch line longer than this is refused. */
const LINE_LENGTH_MAX = 65536;

/** One line of `--batch`: a check, or what is wrong with the line. `id` is given back as it came. */
export type BatchLine =
  | { readonly id: Json | undefined; readonly query: Query; readonly settings: QuerySettings }
  | { readonly id: Json | undefined; readonly error: string };

/** Reads one line; what it does not say itself the settings say. */
export function parseBatchLine(line: string, defaults: QuerySettings): BatchLine {
  let value: unknown;
  try {
    if (line.length > LINE_LENGTH_MAX)
      throw new UsageError(`the line is longer than ${LINE_LENGTH_MAX} characters`);
    // A byte order mark stands before the first line of some files, and between files put together.
    value = JSON.parse(line.replace(/^\uFEFF/, ""));
  } catch (error) {
    const error_text = error instanceof UsageError ? error.message : `no JSON: ${shown(line.slice(0, 60))}`;
    return { id: undefined, error: error_text };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { id: undefined, error: 'a line is an object with "ip", "helo" and "sender"' };
  }
  const fields = value as Record<string, unknown>;
  const id = fields["id"] as Json | undefined;
  try {
    return { id, ...readFields(fields, defaults) };
  } catch (error) {
    if (error instanceof UsageError) return { id, error: error.message };
    throw error;
  }
}

function readFields(
  fields: Record<string, unknown>,
  defaults: QuerySettings,
): { readonly query: Query; readonly settings: QuerySettings } {
  const query: Query = {
    ip: named("ip", readIp, required(fields, "ip")),
    helo: readAddress(optional(fields, "helo") ?? ""),
    sender: readAddress(required(fields, "sender")),
    scope: "mfrom",
  };
  const dns = optional(fields, "dns");
  const receiver = optional(fields, "receiver");
  const explanation = optional(fields, "default_explanation");
  const settings: QuerySettings = {
    ...defaults,
    nameservers: dns === undefined ? defaults.nameservers : [named("dns", readServer, dns)],
    receiver: receiver === undefined ? defaults.receiver : octetsOfText(receiver),
    localPolicy:
      explanation === undefined
        ? defaults.localPolicy
        : {
            ...defaults.localPolicy,
            explanation: named("default_explanation", readExplanation, explanation),
          },
  };
  return { query, settings };
}

function named<T>(name: string, read: (text: string) => T, value: string): T {
  try {
    return read(value);
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`"${name}": ${error.message}`);
    throw error;
  }
}

function required(fields: Record<string, unknown>, name: string): string {
  const value = optional(fields, name);
  if (value === undefined) throw new UsageError(`"${name}" is missing`);
  return value;
}

/** A string field; null counts as not there. */
function optional(fields: Record<string, unknown>, name: string): string | undefined {
  const value = fields[name] ?? undefined;
  if (value !== undefined && typeof value !== "string") throw new UsageError(`"${name}" is no string`);
  return value;
}

/**
 * Runs work on every line of an input, at most `concurrency` lines at a time, and hands the results on in the
 * order of the lines, each as soon as it and those before it are there: whoever writes one line at a time gets
 * its result before the next.
 */
export async function inOrder<T>(
  lines: AsyncIterable<string>,
  concurrency: number,
  work: (line: string) => Promise<T>,
  emit: (result: T) => Promise<void>,
): Promise<void> {
  const emitted: Promise<void>[] = [];
  let last: Promise<void> = Promise.resolve();
  for await (const line of lines) {
    last = Promise.all([work(line), last]).then(([result]) => emit(result));
    // Whoever waits for it hears of a rejection; until then it is no unhandled one.
    last.catch(() => undefined);
    emitted.push(last);
    if (emitted.length >= concurrency) await emitted.shift();
  }
  await last;
}
