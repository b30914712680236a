import { mkdirSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { Bench, Run } from "../bench.ts";
import { type Peer, startDaemon, writeConfiguration } from "../peers.ts";
import { figure } from "../table.ts";
import { errorsOf, of, paired, refused, type Section } from "./section.ts";

const EVERY_MS = 50;
const CONNECTIONS = 16;

/** What StatusSocket costs under load: not there, there, and with /metrics fetched every 50 ms. */
export async function scrape(bench: Bench): Promise<Section> {
  const senders = 1000;
  const job = {
    sender: "user{n}@p{n}.bench.test",
    senders,
    firstSender: bench.freshSenders(senders),
    connections: CONNECTIONS,
  };
  await bench.setDelay(0);
  const daemons: { readonly peer: Peer; readonly socketPath: string | undefined }[] = [];
  for (const [what, hasStatus, isScraped] of [
    ["without StatusSocket", false, false],
    ["with StatusSocket", true, false],
    ["and a scrape every 50 ms", true, true],
  ] as const) {
    const folder = join(bench.folder, `scrape-${daemons.length}`);
    mkdirSync(folder);
    const socketPath = join(folder, "status.sock");
    const extra = hasStatus ? [`StatusSocket unix:${socketPath}`] : [];
    const daemon = await startDaemon(folder, writeConfiguration(folder, bench.nameServerPort, extra));
    daemons.push({ peer: { ...daemon, name: what }, socketPath: isScraped ? socketPath : undefined });
  }
  const peers = daemons.map(({ peer }) => peer);
  for (const peer of peers) await bench.run(peer, { ...job, messages: senders * 5, seconds: 60 });
  let scrapes = 0;
  const runs = await bench.inTurn("scrape", peers, async (peer) => {
    const { socketPath } = daemons.find((daemon) => daemon.peer === peer) ?? {};
    if (socketPath === undefined) return bench.run(peer, job);
    const timer = setInterval(() => {
      void fetchMetrics(socketPath).then(() => scrapes++);
    }, EVERY_MS);
    try {
      return await bench.run(peer, job);
    } finally {
      clearInterval(timer);
    }
  });
  for (const peer of peers) await peer.stop();
  const own = runs.get(peers[0] as Peer) ?? [];
  const rows = [...runs].map(([peer, list]) => [
    peer.name,
    figure(of(list, (run) => run.messagesPerSecond)),
    figure(of(list, (run) => run.waitMs.p50) * 1000),
    figure(of(list, (run) => run.waitMs.p99) * 1000),
    figure(of(list, (run) => run.peerCpuUs)),
    figure(paired(list, own, (run) => run.messagesPerSecond)),
    figure(paired(list, own, (run) => run.peerCpuUs ?? 0)),
    figure(of(list, (run) => run.otherCpuShare)),
    String(list.reduce((total, run) => total + refused(run), 0)),
  ]);
  return {
    title: `scrape: what StatusSocket costs under load, ${CONNECTIONS} connections; ${scrapes} scrapes`,
    head: ["daemon", "msgs/s", "p50 us", "p99 us", "cpu us", "msgs/s, ratio", "cpu, ratio", "other", "wrong"],
    rows,
    runs: Object.fromEntries([...runs].map(([peer, list]): [string, readonly Run[]] => [peer.name, list])),
    errors: [...runs].flatMap(([peer, list]) => errorsOf(peer.name, list)),
  };
}

/** Fetches what Prometheus fetches; rejects where it is not served. */
function fetchMetrics(socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: "/metrics", headers: { Host: "localhost" } }, (response) => {
      response.resume();
      response.once("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`/metrics answers ${response.statusCode ?? 0}`));
      });
    });
    asked.once("error", reject);
    asked.end();
  });
}
