import type { Bench } from "../bench.ts";
import { freshRun, type MixedRun, mixedErrors, runMixed, SEED, startGenerator } from "../mixed/run.ts";
import { SPEED } from "../mixed/zone.ts";
import { figure } from "../table.ts";
import type { Section } from "./section.ts";

const RATE = 200;
/** Eight minutes of mail: all but the answers that live an hour have ended once. */
const WARM_SECONDS = 480 / SPEED;
/** Domains, and the shortest time that DNS takes. */
const CASES: readonly (readonly [number, number])[] = [
  [1000, 1],
  [1000, 20],
  [1000, 100],
  [100_000, 20],
];

/** What a site would see: a mixture of domains, arrivals that wait for nobody. Names are new in each run. */
export async function mixed(bench: Bench): Promise<Section> {
  const generator = startGenerator();
  const rows: string[][] = [];
  const errors: string[] = [];
  const runs: Record<string, MixedRun> = {};
  const seconds = Math.max(2, bench.options.seconds * 2);
  try {
    for (const [domains, delayMs] of CASES) {
      for (const peer of bench.peers.filter(({ asksDns }) => asksDns)) {
        bench.progress(`mixed: ${peer.name}, ${domains} domains, ${delayMs} ms`);
        const choice = {
          domains,
          rate: RATE,
          delayMs,
          offShare: 0,
          leftOutShare: 0,
          warmSeconds: WARM_SECONDS,
          seconds,
        };
        const run = await runMixed(bench, generator, peer, { ...choice, run: freshRun(bench) });
        rows.push([
          `${domains.toLocaleString("en-US")}, ${delayMs} ms`,
          peer.name,
          figure(run.waitMs.p50),
          figure(run.waitMs.p90),
          figure(run.waitMs.p99),
          figure(run.answeredMs.p999),
          figure(run.waitMs.p999),
          `${(run.fromMemory * 100).toFixed(1)} %`,
          figure(run.questionsPerMessage),
          figure(run.cpuUs),
          String(run.wrong),
          figure(run.lateP99Ms),
        ]);
        runs[`${domains} ${delayMs} ${peer.name}`] = run;
        errors.push(...mixedErrors(peer.name, run));
      }
    }
  } finally {
    bench.progress("");
    generator.stop();
  }
  return {
    title: `mixed: ${RATE} messages a second as Poisson arrivals, waits in ms, seed ${SEED}, TTLs divided by ${SPEED}, DNS with a long tail`,
    head: [
      "domains, DNS",
      "milter",
      "p50",
      "p90",
      "p99",
      "p99.9 answered",
      "p99.9",
      "at once",
      "questions",
      "cpu µs",
      "wrong",
      "late",
    ],
    rows,
    runs,
    errors,
  };
}
