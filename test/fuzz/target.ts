/**
 * The convention of fuzz targets. A file `test/fuzz/NAME.target.ts` exports `name` and `run`, and `replay`
 * where its input is a byte string:
 *
 *     export const name = "milter-protocol";
 *     export function run(rng: Rng, deadline: Deadline): number | Promise<number>;
 *     export function replay(input: Buffer): void | Promise<void>;
 *
 * `run` makes inputs from `rng` until `deadline.over()` is true, which it asks once before each input, and
 * returns how many there were. An input that breaks a promise is thrown as a {@link Finding}. `make test`
 * runs every target for a fixed number of inputs, `make fuzz` for a time, and both replay the findings kept
 * in `test/fuzz/cases/NAME/`.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Rng } from "./rng.ts";

/** Says when a target should stop. */
export interface Deadline {
  over(): boolean;
}

export interface Target {
  readonly name: string;
  readonly run: (rng: Rng, deadline: Deadline) => number | Promise<number>;
  readonly replay?: (input: Buffer) => void | Promise<void>;
}

/** An input that broke a promise. The runner keeps it. */
export class Finding extends Error {
  override readonly name = "Finding";
  readonly input: Buffer;

  constructor(input: Buffer, cause: unknown) {
    super(`input of ${input.length} octets: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.input = input;
  }
}

export function afterTime(milliseconds: number): Deadline {
  const end = performance.now() + milliseconds;
  return { over: () => performance.now() >= end };
}

export function afterInputs(count: number): Deadline {
  let left = count;
  return { over: () => left-- <= 0 };
}

/** Where findings of a target are kept, one hex file each. */
export const casesFolder = (name: string): string => join(import.meta.dirname, "cases", name);

/** All targets, by name. */
export async function loadTargets(): Promise<Target[]> {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".target.ts"));
  const targets: Target[] = [];
  for (const file of files.sort()) {
    targets.push((await import(pathToFileURL(join(import.meta.dirname, file)).href)) as Target);
  }
  return targets;
}
