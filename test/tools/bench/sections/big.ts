import type { Bench, JobChoice } from "../bench.ts";
import type { Peer } from "../peers.ts";
import { figure } from "../table.ts";
import { errorsOf, of, refused, type Section } from "./section.ts";

/** A long header and a large body against a small message. */
export async function big(bench: Bench): Promise<Section> {
  const rows: string[][] = [];
  const errors: string[] = [];
  const all: Record<string, unknown> = {};
  const senders = 100;
  const base = {
    sender: "user{n}@p{n}.bench.test",
    senders,
    firstSender: bench.freshSenders(senders),
    connections: 1,
  };
  const shapes: readonly (readonly [string, Partial<JobChoice>])[] = [
    ["10 fields, 10 KB", {}],
    ["1,000 fields, 5 MB", { headers: 1000, bodyOctets: 5_000_000 }],
  ];
  await bench.setDelay(0);
  for (const peer of bench.peers) await bench.run(peer, { ...base, messages: senders, seconds: 60 });
  const small = new Map<Peer, number>();
  for (const [label, shape] of shapes) {
    const runs = await bench.inTurn(`big, ${label}`, bench.peers, (peer) =>
      bench.run(peer, { ...base, ...shape }),
    );
    for (const [peer, list] of runs) {
      const p50 = of(list, (run) => run.waitMs.p50);
      small.set(peer, small.get(peer) ?? p50);
      rows.push([
        label,
        peer.name,
        figure(of(list, (run) => run.messagesPerSecond)),
        figure(p50 * 1000),
        figure(p50 / (small.get(peer) ?? p50)),
        figure(of(list, (run) => run.waitsPerMessage)),
        figure(of(list, (run) => run.peerCpuUs)),
        String(list.reduce((total, run) => total + refused(run), 0)),
      ]);
      all[`${label} ${peer.name}`] = list;
      errors.push(...errorsOf(peer.name, list));
    }
  }
  return {
    title: "big: a message of 1,000 header fields and 5 MB against a small one, one connection",
    head: ["message", "milter", "msgs/s", "p50 µs", "× small", "waits", "cpu µs", "wrong"],
    rows,
    runs: all,
    errors,
  };
}
