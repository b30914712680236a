/**
 * The convention of fuzz targets. A file `test/tools/fuzz/NAME.target.ts` exports
 *
 *     export const name = "milter-protocol";
 *     export const weight = 6;                               // its share of the time; 1 where it is absent
 *     export function makeInput(rng: Rng): Buffer;
 *     export function replay(input: Buffer): void | Promise<void>;
 *
 * `replay` throws where an input breaks a promise; that is a {@link Finding}. `make test` runs every target for
 * a short time, `make fuzz` for a long one, and both replay the findings kept in `test/tools/fuzz/cases/NAME/`.
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
  readonly weight?: number;
  readonly makeInput: (rng: Rng) => Buffer;
  readonly replay: (input: Buffer) => void | Promise<void>;
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

/**
 * Makes inputs and replays them until the deadline is over, which is asked once before each.
 *
 * @returns how many there were
 * @throws Finding
 */
export async function runTarget(target: Target, rng: Rng, deadline: Deadline): Promise<number> {
  let inputs = 0;
  for (; !deadline.over(); inputs++) {
    const input = target.makeInput(rng);
    try {
      const pending = target.replay(input);
      // Most targets are synchronous: a promise for each input would cost more than the input.
      if (pending !== undefined) await pending;
    } catch (error) {
      throw new Finding(input, error);
    }
  }
  return inputs;
}

/** The milliseconds of a target when all of them share so many seconds by their weight. */
export function shareOf(target: Target, targets: readonly Target[], seconds: number): number {
  const sum = targets.reduce((total, { weight = 1 }) => total + weight, 0);
  return (seconds * 1000 * (target.weight ?? 1)) / sum;
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
