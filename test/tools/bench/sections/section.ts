/** What the sections share: what one comes to, and figures over runs. */
import type { Bench, Run } from "../bench.ts";
import { median } from "../statistics.ts";

/** Measures one thing. */
export type Measure = (bench: Bench) => Promise<Section>;

/** What a section came to: a table for people, every run for programs. */
export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly runs: Record<string, unknown>;
  /** Every run of the section, by milter, for the errors that are shown below the table. */
  readonly errors: readonly string[];
}

/** Of every DNS answer, where a section does not say otherwise. */
export const DNS_DELAY_MS = 20;
/** The middle of a figure over runs. */
export const of = (runs: readonly Run[], value: (run: Run) => number | undefined): number =>
  median(runs.flatMap((run) => value(run) ?? []));
/** The middle of the ratios of runs that followed each other: a machine that is busy for a while slows both. */
export const paired = (own: readonly Run[], other: readonly Run[], value: (run: Run) => number): number =>
  median(own.flatMap((run, i) => (other[i] === undefined ? [] : value(run) / value(other[i]))));
export const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((a, b) => a + b, 0);
/** Messages that did not end as they should. */
export const refused = (run: Run): number => run.messages - (run.verdicts["accept"] ?? 0) + sum(run.errors);

/** What went wrong, by milter, each error once with its count. */
export function errorsOf(name: string, runs: readonly Run[]): string[] {
  const counts = new Map<string, number>();
  for (const run of runs) {
    for (const [error, count] of Object.entries(run.errors))
      counts.set(error, (counts.get(error) ?? 0) + count);
    for (const [verdict, count] of Object.entries(run.verdicts)) {
      if (verdict !== "accept")
        counts.set(`answered ${verdict}`, (counts.get(`answered ${verdict}`) ?? 0) + count);
    }
  }
  return [...counts].map(([error, count]) => `${name}: ${error} (${count} times)`);
}
