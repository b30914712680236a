import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bench, Run } from "../bench.ts";
import { listens, startDaemon, writeConfiguration } from "../peers.ts";
import { figure } from "../table.ts";
import { DNS_DELAY_MS, errorsOf, of, refused, type Section, sum } from "./section.ts";

const HOSTS = 4;
const SENDERS = 500;
const NOBODY = 65534;
/** What the daemon takes to connect. */
const CONNECT_MS = 500;

/** Four daemons that get the same senders, one after the other, with and without SharedCache. */
export async function shared(bench: Bench): Promise<Section> {
  if (spawnSync("redis-server", ["--version"]).error !== undefined) {
    const title = "shared: left out, redis-server (Debian package redis-server) is not installed";
    return { title, head: [], rows: [], runs: {}, errors: [] };
  }
  await bench.setDelay(DNS_DELAY_MS);
  const runs = new Map<string, Run[]>();
  let questions: Record<string, number[]> = {};
  for (let round = 0; round < bench.options.rounds; round++) {
    for (const [name, isShared] of [
      ["without SharedCache", false],
      ["with SharedCache", true],
    ] as const) {
      const list = await oneRound(
        bench,
        join(bench.folder, `shared-${round}-${isShared ? "on" : "off"}`),
        isShared,
      );
      runs.set(name, [...(runs.get(name) ?? []), ...list]);
      const asked = list.reduce((total, run) => total + sum(run.questions), 0);
      questions = { ...questions, [name]: [...(questions[name] ?? []), asked] };
    }
  }
  /** The hosts after the first one: those that can find what another has asked. */
  const later = (list: readonly Run[]): Run[] => list.filter((_run, nth) => nth % HOSTS > 0);
  return {
    title: `shared: ${HOSTS} daemons that get the same ${SENDERS} senders one after the other, DNS takes ${DNS_DELAY_MS} ms`,
    head: [
      "daemons",
      "DNS questions of all",
      "verdict p50 ms, first",
      "p50 ms, others",
      "p99 ms, others",
      "wrong",
    ],
    rows: [...runs].map(([name, list]) => [
      name,
      figure((questions[name] ?? []).reduce((a, b) => a + b, 0) / bench.options.rounds),
      figure(
        of(
          list.filter((_run, nth) => nth % HOSTS === 0),
          (run) => run.mailMs.p50,
        ),
      ),
      figure(of(later(list), (run) => run.mailMs.p50)),
      figure(of(later(list), (run) => run.mailMs.p99)),
      String(list.reduce((total, run) => total + refused(run), 0)),
    ]),
    runs: Object.fromEntries(runs),
    errors: [...runs].flatMap(([name, list]) => errorsOf(name, list)),
  };
}

async function oneRound(bench: Bench, folder: string, isShared: boolean): Promise<Run[]> {
  mkdirSync(folder);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const engineSocket = join(folder, "engine.sock");
  const key = join(folder, "key");
  writeFileSync(key, randomBytes(48).toString("base64"), { mode: 0o600 });
  if (isRoot) chownSync(key, NOBODY, NOBODY);
  const engine = isShared ? await startEngine(engineSocket) : undefined;
  const extra = isShared ? [`SharedCache unix:${engineSocket}`, `SharedCacheKey file:${key}`] : [];
  const job = {
    sender: "user@d{n}.bench.test",
    senders: SENDERS,
    firstSender: bench.freshSenders(SENDERS),
    messages: SENDERS,
    seconds: 60,
    connections: 16,
  };
  const list: Run[] = [];
  for (let host = 0; host < HOSTS; host++) {
    const own = join(folder, `host-${host}`);
    mkdirSync(own);
    const daemon = await startDaemon(own, writeConfiguration(own, bench.nameServerPort, extra));
    await sleep(CONNECT_MS);
    list.push(await bench.run(daemon, job));
    await daemon.stop();
  }
  engine?.kill();
  return list;
}

async function startEngine(socket: string): Promise<ChildProcess> {
  const options = ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"];
  const engine = spawn("redis-server", options, { stdio: "ignore" });
  if (!(await listens({ path: socket }, 10))) throw new Error("redis-server does not listen");
  chmodSync(socket, 0o777);
  return engine;
}
