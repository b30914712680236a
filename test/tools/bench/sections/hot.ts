import type { Bench } from "../bench.ts";
import { figure } from "../table.ts";
import { errorsOf, of, paired, refused, type Section } from "./section.ts";

/** Warm caches: what a filter costs when nothing has to be looked up. */
export async function hot(bench: Bench): Promise<Section> {
  const rows: string[][] = [];
  const errors: string[] = [];
  const all: Record<string, unknown> = {};
  const senders = 1000;
  const job = { sender: "user{n}@p{n}.bench.test", senders, firstSender: bench.freshSenders(senders) };
  await bench.setDelay(0);
  for (const peer of bench.peers)
    await bench.run(peer, { ...job, connections: 16, messages: senders, seconds: 60 });
  for (const connections of [1, 16, 64]) {
    const runs = await bench.inTurn(`hot, ${connections} connections`, bench.peers, (peer) =>
      bench.run(peer, { ...job, connections }),
    );
    const own = runs.get(bench.daemon) ?? [];
    for (const [peer, list] of runs) {
      const rate = of(list, (run) => run.messagesPerSecond);
      const p50 = of(list, (run) => run.waitMs.p50);
      rows.push([
        String(connections),
        peer.name,
        figure(rate),
        figure(p50 * 1000),
        figure(of(list, (run) => run.waitMs.p99) * 1000),
        figure(of(list, (run) => run.waitsPerMessage)),
        figure(of(list, (run) => run.peerCpuUs)),
        figure(paired(own, list, (run) => run.messagesPerSecond)),
        figure(paired(own, list, (run) => run.waitMs.p50)),
        figure(of(list, (run) => run.generatorCpuSeconds / run.seconds)),
        figure(of(list, (run) => run.otherCpuShare)),
        String(list.reduce((total, run) => total + refused(run), 0)),
      ]);
      all[`${connections} ${peer.name}`] = list;
      errors.push(...errorsOf(peer.name, list));
    }
  }
  return {
    title: "hot: verdicts in memory, 10 header fields, 10 KB body, one message a connection",
    head: [
      "conns",
      "milter",
      "msgs/s",
      "p50 µs",
      "p99 µs",
      "waits",
      "cpu µs",
      "rate ×",
      "p50 ×",
      "gen",
      "other",
      "wrong",
    ],
    rows,
    runs: all,
    errors,
  };
}
