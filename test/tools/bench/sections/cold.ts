import type { Bench } from "../bench.ts";
import { figure } from "../table.ts";
import { DNS_DELAY_MS, errorsOf, of, refused, type Section, sum } from "./section.ts";

/** Every message from a domain never seen: five includes, the client permitted in the last. */
export async function cold(bench: Bench): Promise<Section> {
  const rows: string[][] = [];
  const errors: string[] = [];
  const all: Record<string, unknown> = {};
  await bench.setDelay(DNS_DELAY_MS);
  const peers = bench.peers.filter((peer) => peer.asksDns);
  for (const connections of [1, 64]) {
    const runs = await bench.inTurn(`cold, ${connections} connections`, peers, (peer) => {
      const messages = Math.ceil(bench.options.seconds * connections * 50);
      return bench.run(peer, {
        sender: "user@d{n}.bench.test",
        senders: messages,
        firstSender: bench.freshSenders(messages),
        messages,
        connections,
      });
    });
    for (const [peer, list] of runs) {
      const p50 = of(list, (run) => run.mailMs.p50);
      rows.push([
        String(connections),
        peer.name,
        figure(of(list, (run) => run.messagesPerSecond)),
        figure(p50),
        figure(p50 / DNS_DELAY_MS),
        figure(of(list, (run) => run.mailMs.p99)),
        figure(of(list, (run) => run.waitMs.p50)),
        figure(of(list, (run) => sum(run.questions) / run.messages)),
        figure(of(list, (run) => run.otherCpuShare)),
        String(list.reduce((total, run) => total + refused(run), 0)),
      ]);
      all[`${connections} ${peer.name}`] = list;
      errors.push(...errorsOf(peer.name, list));
    }
  }
  return {
    title: `cold: a new domain for every message, 5 includes of 2 ranges, DNS takes ${DNS_DELAY_MS} ms`,
    head: [
      "conns",
      "milter",
      "msgs/s",
      "verdict p50 ms",
      "in DNS trips",
      "p99 ms",
      "message p50 ms",
      "questions",
      "other",
      "wrong",
    ],
    rows,
    runs: all,
    errors,
  };
}
