/**
 * Runs node:test over the test files named by directory or file, all of them where none is named. Unit tests share a
 * process for each processor and one more, because many wait for a timer or a socket; so do some of the system's.
 * Every other file has its own. Each process has a TMPDIR of its own, which goes with all that is in it; where something
 * that was started there lives on, the run fails. The last line counts the tests of all; it fails where no
 * file was found or no test ran: `node --test` on Node 20 expands no patterns and calls an empty run green.
 *
 *     tsx test/run.ts [--concurrency N] [DIRECTORY|FILE …]
 */
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { commandLineOf } from "./support/child-process.ts";

/** Directories that other make targets run; here only where they are named. */
const OWN_TARGET = new Set(["test/system/e2e", "test/system/deb", "test/system/container"]);

/** Tests of the system that leave the process they run in as it was: they share one, as unit tests do. */
const SHARING = /^test\/(unit|system\/(process|spfreport))\//;
/** Unit tests that look at the process as a whole: its heap, its sockets, its output. */
const OWN_PROCESS = /^test\/unit\/(runtime|node-tuning)\//;

function testFiles(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) return OWN_TARGET.has(inner) ? [] : testFiles(inner);
    return entry.name.endsWith(".test.ts") ? [inner] : [];
  });
}

/** Those that take longest begin first, so that none of them is left over at the end. */
const SLOW =
  /^test\/system\/(packages\/|install\/(install|scripts|packaging|deb-source)\.|smf-spf\/(signals|start-as-user)\.|hardening\/(long-input|faults)\.)/;

interface Outcome {
  readonly code: number;
  readonly counts: Readonly<Record<string, number>>;
}

const SUMMARY = /^ℹ (pass|fail|cancelled|skipped|todo) (\d+)$/gm;

/** What a list of files may take, in seconds: six times the longest of the long form on two cores. */
const LIMIT = 600;
/** How long a process may take to tell which of its tests have not ended, in seconds. */
const TELLING = 2;
/** How long after the end of a process its output may still be held open by others that it started, in seconds. */
const HELD = 10;

interface Running {
  /** Ends it and all that it started, and prints why and what it has printed. */
  readonly kill: (why: string) => void;
}
const running = new Set<Running>();

/** What tests make is to be found by the users that daemons become, whatever the umask of whoever runs them. */
process.umask(0o022);
/**
 * The path of a socket has some hundred octets at most, and tests have theirs some folders down; what a space in a path
 * asks of a configuration has tests of its own.
 */
const TMP = /^[\w./-]{1,20}$/.test(tmpdir()) ? tmpdir() : "/tmp";

/** Kills the processes whose command lines name the folder, once they have had so long to end; the lines of these. */
async function killStragglers(folder: string, seconds: number): Promise<string[]> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const found = processes().filter((pid) => commandLineOf(pid).includes(folder));
    if (found.length === 0) return [];
    if (performance.now() > end) {
      const lines = found.map((pid) => commandLineOf(pid));
      for (const pid of found) {
        try {
          process.kill(Number(pid), "SIGKILL");
        } catch {
          // It has ended by itself.
        }
      }
      return lines;
    }
    await delay(50);
  }
}

function processes(): string[] {
  return process.platform === "linux" ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
}
let isStopping = false;

const REPORTERS = [
  ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
  ...["--test-reporter=./test/running.ts", "--test-reporter-destination=stderr"],
];

/**
 * Runs a list of files in a process of its own, the leader of a process group. Several run side by side: what each
 * prints comes in one piece at its end, so that lines do not mix. A process that does not end is asked which of its
 * tests have not; it, or one that leaves another behind that holds its output, is killed with all its group and
 * named, and the run has failed.
 */
function run(files: readonly string[]): Promise<Outcome> {
  const folder = mkdtempSync(join(TMP, "smf-spf-tests-"));
  chmodSync(folder, 0o755);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--import", "tsx", ...REPORTERS, "test/group.ts", ...files], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, TMPDIR: folder },
      detached: true,
    });
    let out = "";
    let fault: string | undefined;
    const killGroup = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // Nothing of it is left.
      }
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const kill = (why: string): void => {
      fault ??= why;
      child.kill("SIGTERM");
      setTimeout(killGroup, child.exitCode === null ? TELLING * 1000 : 0);
    };
    const entry: Running = { kill };
    running.add(entry);
    const limit = setTimeout(kill, LIMIT * 1000, `still running after ${String(LIMIT)} s`);
    let held: NodeJS.Timeout | undefined;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        out += chunk;
      });
    }
    child.on("exit", () => {
      clearTimeout(limit);
      held = setTimeout(kill, HELD * 1000, "left a process behind that holds its output");
    });
    const finish = async (code: number | null): Promise<void> => {
      clearTimeout(held);
      const stragglers = await killStragglers(folder, fault === undefined ? HELD : 0);
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
      running.delete(entry);
      if (stragglers.length > 0) fault ??= `left running: ${stragglers.join("; ")}`;
      process.stdout.write(out);
      if (fault !== undefined) process.stdout.write(`✖ ${files.join(" ")}: ${fault}\n`);
      const counts: Record<string, number> = {};
      for (const [, name = "", n] of out.matchAll(SUMMARY)) counts[name] = Number(n);
      if (fault !== undefined) counts["fail"] = (counts["fail"] ?? 0) + 1;
      resolve({ code: fault === undefined ? (code ?? 1) : 1, counts });
    };
    child.on("close", (code) => void finish(code));
  });
}

/** So many lists of about equal size. */
function groups(files: readonly string[], count: number): string[][] {
  const lists: string[][] = Array.from({ length: count }, () => []);
  for (const [i, file] of files.entries()) lists[i % lists.length]?.push(file);
  return lists.filter((list) => list.length > 0);
}

/**
 * Runs lists of files, several at a time; the next one begins when one ends. `tail` resolves when one of the workers
 * has nothing left to do, `done` when all have.
 */
function runLists(
  lists: readonly string[][],
  workers: number,
): { readonly tail: Promise<void>; readonly done: Promise<Outcome[]> } {
  const outcomes: Outcome[] = [];
  const waiting = lists.values();
  const work = async (): Promise<void> => {
    for (const list of waiting) {
      if (isStopping) return;
      outcomes.push(await run(list));
    }
  };
  const working = Array.from({ length: workers }, work);
  return { tail: Promise.race(working), done: Promise.all(working).then(() => outcomes) };
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    isStopping = true;
    for (const { kill } of running) kill(`still running at ${signal}`);
  });
}

const args = process.argv.slice(2);
/** Files with a process of their own spend much of their time waiting for others that they have started. */
let concurrency = availableParallelism() + 2;
const paths: string[] = [];
for (let i = 0; i < args.length; i++) {
  const arg = args[i] ?? "";
  if (arg === "--concurrency") concurrency = Number(args[++i]);
  else paths.push(arg);
}
const files = (paths.length > 0 ? paths : ["test"])
  .flatMap((path) => testFiles(path))
  .map((file) => relative(process.cwd(), file))
  .sort();
const shared = files.filter((file) => SHARING.test(file) && !OWN_PROCESS.test(file));
const alone = files
  .filter((file) => !shared.includes(file))
  .sort((a, b) => Number(SLOW.test(b)) - Number(SLOW.test(a)));

const workers = availableParallelism() + 1;
// Twice as many lists as workers: where one has what takes long, the others do more of the rest.
const { tail, done } = runLists(groups(shared, 2 * workers), workers);
await tail;
const rest = runLists(
  alone.map((file) => [file]),
  concurrency,
);
const outcomes = [...(await done), ...(await rest.done)];

const count = (name: string): number => outcomes.reduce((sum, { counts }) => sum + (counts[name] ?? 0), 0);
const passed = count("pass");
const failed = count("fail") + count("cancelled");
process.stdout.write(`${passed} passed, ${failed} failed, ${count("skipped") + count("todo")} skipped\n`);
if (passed + failed === 0) process.stderr.write(`no test ran under ${paths.join(" ") || "test"}\n`);
process.exit(passed > 0 && failed === 0 && outcomes.every(({ code }) => code === 0) ? 0 : 1);
