/** The section `mta`: what real MTAs make of the milters, in messages a second and milliseconds a message. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { packageTree } from "../../../system/e2e/packages.ts";
import type { Bench } from "../bench.ts";
import type { Section } from "../sections/section.ts";
import { median } from "../statistics.ts";
import { figure } from "../table.ts";
import type { MtaRun, MtaRuns, MtaTask } from "./inside.ts";
import { PROGRAMS, WANTED } from "./packages.ts";

const ROOT = join(import.meta.dirname, "../../../..");
export const NAMESPACES = [
  "--mount",
  "--net",
  "--uts",
  "--ipc",
  "--pid",
  "--fork",
  "--mount-proc",
  "--kill-child",
];
const NO_FILTER = "no filter";
const BARE = "does nothing";

/** The packages of the MTAs and of the other milters, unpacked. */
export function fetchTree(): string {
  const cache = resolve(process.env["E2E_CACHE"] ?? join(ROOT, ".cache"), "bench-mta");
  mkdirSync(cache, { recursive: true });
  return packageTree(cache, WANTED, PROGRAMS);
}

/** Runs inside.ts in namespaces of its own, under a shell that collects orphans as process 1. */
async function runInside(tree: string, outPath: string, bench: Bench): Promise<MtaRuns> {
  const { rounds, mtas, mtaMessages, mtaWarmMessages } = bench.options;
  const program = [process.execPath, "--import", "tsx", join(import.meta.dirname, "inside.ts")];
  const task: MtaTask = { tree, outPath, mtas, rounds, messages: mtaMessages, warmMessages: mtaWarmMessages };
  const child = spawn(
    "unshare",
    [...NAMESPACES, "sh", "-c", '"$@"; exit $?', "mta", ...program, JSON.stringify(task)],
    {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  const code = await new Promise((done) => child.once("close", done));
  if (code !== 0 || !existsSync(outPath)) throw new Error(`the MTAs could not be measured (${String(code)})`);
  return JSON.parse(readFileSync(outPath, "utf8")) as MtaRuns;
}

const rateOf = (run: MtaRun): number => run.messages / run.seconds;

/** A line of the table: medians, and the ratios of runs of one round to the run without a filter. */
function rowOf(runs: readonly MtaRun[], mta: string, milter: string): string[] {
  const of = (name: string, sessions: number): MtaRun[] =>
    runs.filter((run) => run.mta === mta && run.milter === name && run.sessions === sessions);
  /** Medians of what the runs of one round come to, with the milter and without. */
  const paired = (name: string, sessions: number, value: (own: MtaRun, none: MtaRun) => number): number => {
    const none = of(NO_FILTER, sessions);
    return median(
      of(name, sessions).flatMap((run) => {
        const other = none.find(({ round }) => round === run.round);
        return other === undefined ? [] : value(run, other);
      }),
    );
  };
  const ratio = (own: MtaRun, none: MtaRun): number => rateOf(own) / rateOf(none);
  const addedMs = (own: MtaRun, none: MtaRun): number => 1000 / rateOf(own) - 1000 / rateOf(none);
  const lossOf = (name: string): number => 1 - paired(name, 16, ratio);
  const isNone = milter === NO_FILTER;
  return [
    mta,
    milter,
    figure(median(of(milter, 1).map((run) => 1000 / rateOf(run)))),
    isNone ? "" : figure(paired(milter, 1, addedMs)),
    figure(median(of(milter, 16).map(rateOf))),
    isNone ? "" : figure(paired(milter, 16, ratio)),
    isNone ? "" : figure(lossOf(milter) / lossOf(BARE)),
    isNone ? "" : figure(median(of(milter, 16).flatMap((run) => run.milterCpuUs ?? []))),
  ];
}

/** Postfix and Sendmail with no filter, ours, one that does nothing, and others; root on Debian alone. */
export async function mta(bench: Bench): Promise<Section> {
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version")) {
    throw new Error("the section mta needs Debian and root, for namespaces and packages");
  }
  const tree = fetchTree();
  const { runs, errors } = await runInside(tree, join(bench.folder, "mta.json"), bench);
  const lines = new Map(runs.map(({ mta: name, milter }) => [`${name} ${milter}`, [name, milter] as const]));
  return {
    title:
      "mta: real MTAs, 4 KB messages of four senders in memory; 1 session: ms a message, 16: messages a second",
    head: [
      "MTA",
      "milter",
      "ms/msg",
      "added ms",
      "msgs/s",
      "rate × no filter",
      "loss × does nothing",
      "cpu µs",
    ],
    rows: [...lines.values()].map(([name, milter]) => rowOf(runs, name, milter)),
    runs: { runs },
    errors,
  };
}
