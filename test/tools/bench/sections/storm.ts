import type { Bench } from "../bench.ts";
import { figure } from "../table.ts";
import { DNS_DELAY_MS, errorsOf, of, refused, type Section, sum } from "./section.ts";

/** Many connections at once that all need the same domain, which nobody has asked for yet. */
export async function storm(bench: Bench): Promise<Section> {
  const connections = 256;
  await bench.setDelay(DNS_DELAY_MS);
  const peers = bench.peers.filter((peer) => peer.asksDns);
  const runs = await bench.inTurn("storm", peers, (peer) =>
    bench.run(peer, {
      sender: "user@d{n}.bench.test",
      senders: 1,
      firstSender: bench.freshSenders(1),
      messages: connections,
      seconds: 60,
      connections,
    }),
  );
  const rows = [...runs].map(([peer, list]) => [
    String(connections),
    peer.name,
    figure(of(list, (run) => run.mailMs.p50)),
    figure(of(list, (run) => run.mailMs.max)),
    figure(of(list, (run) => sum(run.questions))),
    figure(Math.max(...list.flatMap((run) => Object.values(run.questions)))),
    String(list.reduce((total, run) => total + refused(run), 0)),
  ]);
  return {
    title: `storm: ${connections} connections at once for one domain that nobody has asked for`,
    head: ["conns", "milter", "verdict p50 ms", "max ms", "questions", "most of one record", "wrong"],
    rows,
    runs: Object.fromEntries([...runs].map(([peer, list]) => [peer.name, list])),
    errors: [...runs].flatMap(([peer, list]) => errorsOf(peer.name, list)),
  };
}
