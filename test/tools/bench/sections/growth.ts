import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Bench, Run } from "../bench.ts";
import { type Peer, startDaemon, writeConfiguration } from "../peers.ts";
import { figure } from "../table.ts";
import { residentKb } from "../usage.ts";
import { errorsOf, of, type Section, sum } from "./section.ts";

const SENDERS = [1_000, 100_000, 1_000_000, 10_000_000];
const CONNECTIONS = [10, 100, 1_000];
/** CacheSize where nothing is said: so many of the most frequent senders are in memory before anything is measured. */
const CACHE_SIZE = 100_000;
const WARM_SECONDS = 3;
/** A name server near by: what is measured is the filter, not waiting for others. */
const DNS_DELAY_MS = 1;

/** How throughput, waits and memory grow with the number of different senders (Zipf) and of connections. */
export async function growth(bench: Bench): Promise<Section> {
  const daemons: Peer[] = [];
  const sender = "user{n}@p{n}.bench.test";
  const job = { sender, firstSender: bench.freshSenders(Math.max(...SENDERS)), messagesPerConnection: 10 };
  const all: Record<string, Run[]> = {};
  const rows: string[][] = [];
  const errors: string[] = [];
  try {
    for (const senders of SENDERS) {
      const folder = join(bench.folder, `growth-${senders}`);
      mkdirSync(folder);
      const configuration = writeConfiguration(folder, bench.nameServerPort, ["MaxConnections 2000"]);
      daemons.push({ ...(await startDaemon(folder, configuration)), name: senders.toLocaleString("en-US") });
    }
    const sendersOf = new Map(daemons.map((daemon, i) => [daemon, SENDERS[i] ?? 0]));
    await bench.setDelay(0);
    for (const [daemon, senders] of sendersOf) {
      bench.progress(`growth: filling the caches, ${daemon.name} senders`);
      const known = Math.min(senders, CACHE_SIZE);
      const connections = 16;
      await bench.run(daemon, { ...job, connections, senders: known, messages: known, seconds: 3600 });
      await bench.run(daemon, { ...job, connections, senders, zipf: true, seconds: WARM_SECONDS });
    }
    await bench.setDelay(DNS_DELAY_MS);
    for (const connections of CONNECTIONS) {
      const runs = await bench.inTurn(`growth, ${connections} connections`, daemons, (daemon) =>
        bench.run(daemon, { ...job, connections, senders: sendersOf.get(daemon) ?? 0, zipf: true }),
      );
      for (const [daemon, list] of runs) {
        all[`${daemon.name} senders, ${connections} connections`] = list;
        errors.push(...errorsOf(daemon.name, list));
        rows.push([
          daemon.name,
          connections.toLocaleString("en-US"),
          figure(of(list, (run) => run.messagesPerSecond)),
          figure(of(list, (run) => run.waitMs.p50)),
          figure(of(list, (run) => run.waitMs.p99)),
          figure(of(list, (run) => sum(run.questions) / run.messages)),
          figure(of(list, (run) => run.peerCpuUs)),
          figure((residentKb(daemon.pid ?? -1) ?? Number.NaN) / 1024),
          figure(of(list, (run) => run.generatorCpuSeconds / run.seconds)),
        ]);
      }
    }
  } finally {
    bench.progress("");
    for (const daemon of daemons) await daemon.stop();
  }
  return {
    title: `growth: senders by Zipf, CacheSize ${CACHE_SIZE}, DNS ${DNS_DELAY_MS} ms, ten messages a connection; waits in ms`,
    head: ["senders", "conns", "msgs/s", "p50", "p99", "questions/msg", "cpu µs", "MB", "gen"],
    rows,
    runs: all,
    errors,
  };
}
