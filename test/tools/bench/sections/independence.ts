import type { Bench } from "../bench.ts";
import { freshRun, type MixedRun, mixedErrors, runMixed, SEED, startGenerator } from "../mixed/run.ts";
import { figure } from "../table.ts";
import type { Section } from "./section.ts";

const RATE = 200;
const DOMAINS = 10_000;
const DELAY_MS = 20;
const OFF_SHARE = 0.05;

/**
 * Whether a message waits for the DNS of another: the same messages with all name servers well, then with those of one
 * domain in twenty switched off. Only messages of the other domains count.
 */
export async function independence(bench: Bench): Promise<Section> {
  const generator = startGenerator();
  const rows: string[][] = [];
  const errors: string[] = [];
  const runs: Record<string, MixedRun> = {};
  const seconds = Math.max(2, bench.options.seconds * 3);
  try {
    for (let round = 1; round <= Math.min(2, bench.options.rounds); round++) {
      for (const offShare of [0, OFF_SHARE]) {
        const peer = bench.daemon;
        const off = `${offShare * 100} %`;
        bench.progress(`independence: ${peer.name}, ${off} silent`);
        const choice = {
          domains: DOMAINS,
          rate: RATE,
          delayMs: DELAY_MS,
          offShare,
          leftOutShare: OFF_SHARE,
          warmSeconds: 3,
          seconds,
        };
        const run = await runMixed(bench, generator, peer, { ...choice, run: freshRun(bench) });
        rows.push([
          off,
          peer.name,
          figure(run.answeredMs.count),
          figure(run.answeredMs.p50),
          figure(run.answeredMs.p90),
          figure(run.answeredMs.p99),
          figure(run.answeredMs.p999),
          figure(run.answeredMs.max),
          String(run.mostOpen),
          String(run.wrong),
        ]);
        runs[`${round} ${off} ${peer.name}`] = run;
        errors.push(...mixedErrors(peer.name, run));
      }
    }
  } finally {
    bench.progress("");
    generator.stop();
  }
  return {
    title: `independence: waits in ms of messages whose domains answer, while others do not (${DOMAINS.toLocaleString("en-US")} domains, ${RATE} a second, DNS ${DELAY_MS} ms, seed ${SEED})`,
    head: ["silent", "milter", "messages", "p50", "p90", "p99", "p99.9", "max", "open", "wrong"],
    rows,
    runs,
    errors,
  };
}
