import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import { freshRun, mixedErrors, runMixed, startGenerator } from "../mixed/run.ts";
import { startDaemon, writeConfiguration } from "../peers.ts";
import { figure } from "../table.ts";
import { errorsOf, type Section } from "./section.ts";

/** What hold-probe.mjs writes. */
interface Seen {
  readonly samples: number;
  readonly p99Ms: number;
  readonly p9999Ms: number;
  readonly maxMs: number;
  readonly collections: Readonly<Record<string, { readonly count: number; readonly longestMs: number }>>;
}

/** One sample a millisecond: with fewer seconds the slowest of 10,000 is the slowest of all. */
const LOAD_SECONDS_MIN = 8;
const PROBE = join(import.meta.dirname, "../hold-probe.mjs");

/** A process that does nothing: no daemon can do better than the time that the machine lets it wait under the same load. */
function startIdle(file: string): ChildProcess {
  const program = ["--import", PROBE, "-e", "setInterval(() => {}, 2 ** 30)"];
  return spawn(process.execPath, program, { env: { ...process.env, HOLD_FILE: file }, stdio: "ignore" });
}

/** Asks the probe in a process for what it has seen since the last time. */
async function probe(pid: number, file: string): Promise<Seen> {
  rmSync(file, { force: true });
  for (let tries = 0; tries < 500; tries++) {
    // A process that has not come so far does not hear it.
    if (tries % 100 === 0) process.kill(pid, "SIGWINCH");
    await new Promise((resolve) => setTimeout(resolve, 10));
    try {
      return JSON.parse(readFileSync(file, "utf8")) as Seen;
    } catch {
      // Not yet.
    }
  }
  throw new Error("the probe says nothing");
}

/** How long the daemon's event loop is held, by garbage collection or anything else, when its caches are full. */
export async function hold(bench: Bench): Promise<Section> {
  const folder = join(bench.folder, "hold");
  const file = join(folder, "hold.json");
  const idleFile = join(folder, "idle.json");
  mkdirSync(folder);
  const entries = 2 * bench.options.senders;
  const loadSeconds = Math.max(LOAD_SECONDS_MIN, 4 * bench.options.seconds);
  const configuration = writeConfiguration(folder, bench.nameServerPort, [`CacheSize ${entries}`]);
  const daemon = await startDaemon(folder, configuration, undefined, {
    nodeArguments: ["--import", PROBE],
    env: { HOLD_FILE: file },
  });
  const idle = startIdle(idleFile);
  const idlePid = idle.pid ?? -1;
  const generator = startGenerator();
  const pid = daemon.pid ?? -1;
  const sender = "user{n}@p{n}.bench.test";
  const firstSender = bench.freshSenders(entries);
  const errors: string[] = [];
  const hot = async (job: { firstSender: number; senders: number; messages?: number }): Promise<number> => {
    const run = await bench.run(daemon, {
      ...job,
      sender,
      connections: 16,
      messagesPerConnection: 10,
      seconds: job.messages === undefined ? loadSeconds : 3600,
    });
    errors.push(...errorsOf(daemon.name, [run]));
    return run.messagesPerSecond;
  };
  const loads: readonly (readonly [string, () => Promise<number>])[] = [
    ["filling the caches", () => hot({ firstSender, senders: entries, messages: entries })],
    // The last tenth is surely in memory.
    ["hot", () => hot({ firstSender: firstSender + 0.9 * entries, senders: entries / 10 })],
    ["new senders", () => hot({ firstSender: bench.freshSenders(1_000_000), senders: 1_000_000 })],
    [
      "mixed",
      async () => {
        const choice = {
          domains: 1000,
          rate: 200,
          delayMs: 20,
          offShare: 0,
          leftOutShare: 0,
          warmSeconds: 0,
        };
        const run = await runMixed(bench, generator, daemon, {
          ...choice,
          run: freshRun(bench),
          seconds: loadSeconds,
        });
        errors.push(...mixedErrors(daemon.name, run));
        return run.messages / loadSeconds;
      },
    ],
  ];
  const rows: string[][] = [];
  const runs: Record<string, Seen> = {};
  try {
    await bench.setDelay(0);
    for (const [load, play] of loads) {
      bench.progress(`hold: ${load}`);
      await probe(pid, file);
      await probe(idlePid, idleFile);
      const rate = await play();
      const seen = await probe(pid, file);
      const beside = await probe(idlePid, idleFile);
      runs[load] = seen;
      runs[`${load}, idle process`] = beside;
      const longest = (kind: string): string => figure(seen.collections[kind]?.longestMs);
      rows.push([
        load,
        daemon.name,
        figure(rate),
        figure(seen.p99Ms),
        figure(seen.p9999Ms),
        figure(seen.maxMs),
        figure(beside.maxMs),
        longest("minor"),
        longest("major"),
        longest("incremental"),
        String(seen.collections["major"]?.count ?? 0),
      ]);
    }
  } finally {
    bench.progress("");
    generator.stop();
    idle.kill();
    await daemon.stop();
  }
  return {
    title: `hold: how long the event loop is held with CacheSize ${entries}, ms (garbage collection: the longest)`,
    head: [
      "load",
      "milter",
      "msgs/s",
      "p99",
      "p99.99",
      "max",
      "idle max",
      "minor GC",
      "major GC",
      "incremental",
      "majors",
    ],
    rows,
    runs,
    errors,
  };
}
