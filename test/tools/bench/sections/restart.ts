import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bench, Run } from "../bench.ts";
import { startDaemon, writeConfiguration } from "../peers.ts";
import { figure } from "../table.ts";
import { DNS_DELAY_MS, errorsOf, of, refused, type Section, sum } from "./section.ts";

const SENDERS = 500;
/** What the file takes to be read, which nobody waits for; a restart comes before the next message by more. */
const READ_MS = 500;

/** The first messages after a restart, from senders that were known before it. */
export async function restart(bench: Bench): Promise<Section> {
  await bench.setDelay(DNS_DELAY_MS);
  const runs = new Map<string, Run[]>();
  for (let round = 0; round < bench.options.rounds; round++) {
    for (const [name, isKept] of [
      ["without CacheFile", false],
      ["with CacheFile", true],
    ] as const) {
      const folder = join(bench.folder, `restart-${round}-${isKept ? "file" : "none"}`);
      mkdirSync(folder);
      const extra = isKept ? [`CacheFile ${join(folder, "cache")}`] : [];
      const configuration = writeConfiguration(folder, bench.nameServerPort, extra);
      const job = {
        sender: "user@d{n}.bench.test",
        senders: SENDERS,
        firstSender: bench.freshSenders(SENDERS),
        messages: SENDERS,
        seconds: 60,
        connections: 16,
      };
      const before = await startDaemon(folder, configuration);
      await bench.run(before, job);
      await before.stop();
      const after = await startDaemon(folder, configuration);
      await sleep(READ_MS);
      runs.set(name, [...(runs.get(name) ?? []), await bench.run(after, job)]);
      await after.stop();
    }
  }
  return {
    title: `restart: the first ${SENDERS} messages after it, each from another domain, DNS takes ${DNS_DELAY_MS} ms`,
    head: ["daemon", "DNS questions", "verdict p50 ms", "p99 ms", "message p50 ms", "wrong"],
    rows: [...runs].map(([name, list]) => [
      name,
      figure(of(list, (run) => sum(run.questions))),
      figure(of(list, (run) => run.mailMs.p50)),
      figure(of(list, (run) => run.mailMs.p99)),
      figure(of(list, (run) => run.waitMs.p50)),
      String(list.reduce((total, run) => total + refused(run), 0)),
    ]),
    runs: Object.fromEntries(runs),
    errors: [...runs].flatMap(([name, list]) => errorsOf(name, list)),
  };
}
