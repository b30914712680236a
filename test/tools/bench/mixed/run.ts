/** One run of the mixed workload against one milter, with what it cost. */
import type { Bench } from "../bench.ts";
import { Child } from "../child.ts";
import type { Peer } from "../peers.ts";
import { cpuSeconds } from "../usage.ts";
import type { MixedJob, MixedResult } from "./generator.ts";

/** Of everything that is drawn in the mixed workload. */
export const SEED = 20;
/** Most connections an MTA of some size has open to a milter. */
export const CONNECTIONS = 256;

export interface MixedRun extends MixedResult {
  readonly cpuUs: number | undefined;
  readonly questionsPerMessage: number;
}

export interface MixedChoice {
  readonly run: number;
  readonly domains: number;
  readonly rate: number;
  readonly delayMs: number;
  readonly offShare: number;
  readonly leftOutShare: number;
  readonly warmSeconds: number;
  readonly seconds: number;
}

/** The load generator; ends with {@link Child.stop}. */
export function startGenerator(): Child<MixedJob, MixedResult> {
  return new Child<MixedJob, MixedResult>("mixed/generator.ts");
}

/** The number of a run, for names that nobody has asked for. */
export function freshRun(bench: Bench): number {
  return bench.freshSenders(1);
}

export async function runMixed(
  bench: Bench,
  generator: Child<MixedJob, MixedResult>,
  peer: Peer,
  choice: MixedChoice,
): Promise<MixedRun> {
  const { run, domains, rate, delayMs, offShare, leftOutShare, warmSeconds, seconds } = choice;
  await bench.setDelay(delayMs);
  await bench.setMixed(SEED, offShare);
  await bench.questions();
  const before = peer.pid === undefined ? undefined : cpuSeconds(peer.pid);
  const result = await generator.ask({
    target: peer.target,
    mta: bench.options.mta,
    population: { seed: SEED, run, domains, rate, offShare, leftOutShare },
    connections: CONNECTIONS,
    warmSeconds,
    seconds,
    delayMs,
  });
  const after = peer.pid === undefined ? undefined : cpuSeconds(peer.pid);
  const all = Math.max(result.allMessages, 1);
  const questions = Object.values(await bench.questions()).reduce((a, b) => a + b, 0);
  return {
    ...result,
    cpuUs: before === undefined || after === undefined ? undefined : ((after - before) * 1e6) / all,
    questionsPerMessage: questions / all,
  };
}

/** What went wrong, for below the table. */
export function mixedErrors(name: string, result: MixedResult): string[] {
  return [...Object.entries(result.errors), ...Object.entries(result.wrongResults)].map(
    ([what, count]) => `${name}: ${what} (${count} times)`,
  );
}
