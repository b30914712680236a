import { SPF_RESULTS, type SpfResult } from "spf-check";
import { octetsOfText } from "../address/index.ts";
import type { Json } from "./json-report.ts";
import { UsageError } from "./options.ts";
import type { Query, QuerySettings } from "./query.ts";
import { queryOfLine, readAddress, readExplanation, readIp, readServer, shown } from "./values.ts";

/** A batch line longer than this is refused. */
const LINE_LENGTH_MAX = 65536;

/**
 * One line of `--batch`: a check, or what is wrong with the line. `id` is given back as it came. Lines of a maillog
 * are checks where they are results; the rest of a maillog is passed over.
 */
export type BatchLine =
  | { readonly passedOver: true }
  | { readonly id: Json | undefined; readonly query: Query; readonly settings: QuerySettings }
  | { readonly id: Json | undefined; readonly error: string };

/** Reads one line; what it does not say itself the settings say. */
export function parseBatchLine(line: string, defaults: QuerySettings): BatchLine {
  const logged = line.length > LINE_LENGTH_MAX ? undefined : queryOfLogLine(line);
  if (logged === "other") return { passedOver: true };
  if (logged !== undefined) return { id: undefined, query: logged, settings: defaults };
  let value: unknown;
  try {
    if (line.length > LINE_LENGTH_MAX)
      throw new UsageError(`the line is longer than ${LINE_LENGTH_MAX} characters`);
    // A byte order mark precedes the first line of some files, also of files that were joined.
    value = JSON.parse(line.replace(/^\uFEFF/, ""));
  } catch (error) {
    const reason =
      error instanceof UsageError
        ? error.message
        : `neither JSON nor a line of the maillog: ${shown(line.slice(0, 60))}`;
    return { id: undefined, error: reason };
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

/** The head of a line in a log: RFC 3164 or RFC 3339. */
const LOG_HEAD = /^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ \S+?(?:\[\d+\])?: /;

/** The check of a result in the log; undefined where the line is not one of a log. */
function queryOfLogLine(line: string): Query | "other" | undefined {
  const isLogged = LOG_HEAD.test(line) || line.startsWith("SPF ") || /^\{.*"event":/.test(line);
  if (!isLogged) return undefined;
  return queryOfLine(line, "results") ?? "other";
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
  if (value !== undefined && typeof value !== "string") throw new UsageError(`"${name}" is not a string`);
  return value;
}

/**
 * Runs work on every line of an input, at most `concurrency` lines at a time, and hands the results on in the
 * order of the lines, each as soon as it and those before it are there: a writer of one line at a time gets
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
    // Whoever waits for it gets the rejection; until then it must not count as unhandled.
    last.catch(() => undefined);
    emitted.push(last);
    if (emitted.length >= concurrency) await emitted.shift();
  }
  await last;
}

/** Counts what came of a batch. */
export class Tally {
  readonly #beganMs: number;
  readonly #results = new Map<SpfResult, number>();
  #errors = 0;
  #passedOver = 0;
  #refused = 0;

  constructor(beganMs: number) {
    this.#beganMs = beganMs;
  }

  /** @param isRefused what `--policy` says */
  add(result: SpfResult, isRefused: boolean): void {
    this.#results.set(result, (this.#results.get(result) ?? 0) + 1);
    if (isRefused) this.#refused++;
  }

  addError(): void {
    this.#errors++;
  }

  passOver(): void {
    this.#passedOver++;
  }

  /** `20,000 checks in 8.7 s: pass 19,000, fail 1,000; 3 lines not understood`. */
  text(nowMs: number): string {
    const checks = [...this.#results.values()].reduce((sum, count) => sum + count, 0);
    const results = SPF_RESULTS.flatMap((result) => {
      const count = this.#results.get(result);
      return count === undefined ? [] : [`${result} ${grouped(count)}`];
    });
    const parts = [
      `${grouped(checks)} check${checks === 1 ? "" : "s"} in ${((nowMs - this.#beganMs) / 1000).toFixed(1)} s` +
        (results.length === 0 ? "" : `: ${results.join(", ")}`),
    ];
    if (this.#refused > 0) parts.push(`${grouped(this.#refused)} refused`);
    if (this.#errors > 0) parts.push(`${grouped(this.#errors)} not understood`);
    if (this.#passedOver > 0) parts.push(`${grouped(this.#passedOver)} other lines`);
    return parts.join("; ");
  }
}

const grouped = (count: number): string => count.toLocaleString("en");
