/** Processes that tests start, and waits for what they do. Every wait has an end, far behind that of a slow machine. */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** How long a test waits for what comes at once on a machine that has nothing else to do. */
export const PATIENCE_MS = 60_000;

/** What a process printed, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Waits for the end of a process. One that does not end is killed, and what it has printed is in the error thrown. */
export async function ended(child: ChildProcess, withinMs = 2 * PATIENCE_MS): Promise<Ended> {
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const code = await exitOf(child, "close", withinMs).catch((error: unknown) => {
    throw new Error(`${String(error)}; it has printed ${JSON.stringify(out + err)}`);
  });
  return { code, out, err };
}

/**
 * The exit code of a process: at its "exit", or at its "close", which comes once nobody has its output open any more.
 * One that does not end is killed.
 */
export function exitOf(
  child: ChildProcess,
  event: "exit" | "close" = "exit",
  withinMs = 2 * PATIENCE_MS,
): Promise<number | null> {
  const hasExited = child.exitCode !== null || child.signalCode !== null;
  const isClosed = hasExited && child.stdio.every((stream) => stream?.destroyed !== false);
  // What has happened before is not told again.
  if (event === "exit" ? hasExited : isClosed) return Promise.resolve(child.exitCode);
  return new Promise((resolve, reject) => {
    const end = setTimeout(() => {
      child.kill("SIGKILL");
      child.stdout?.destroy();
      child.stderr?.destroy();
      reject(new Error(`${child.spawnfile} has not ended after ${withinMs / 1000} s`));
    }, withinMs);
    child.once("error", (error) => {
      clearTimeout(end);
      reject(error);
    });
    child.once(event, (code: number | null) => {
      clearTimeout(end);
      resolve(code);
    });
  });
}

/** Waits until the condition holds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = PATIENCE_MS,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await delay(10);
  }
}

/** Whether a process runs. One that has ended may keep its number for ever, where process 1 waits for nobody. */
export function lives(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  if (process.platform !== "linux") return true;
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}

/** The command line of a process, its words parted by spaces; empty where there is no such process. */
export function commandLineOf(pid: number | string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Kills a process, which need not be a child, and waits for its end. */
export async function killed(pid: number): Promise<void> {
  if (!lives(pid)) return;
  process.kill(pid, "SIGKILL");
  await until(`the end of process ${pid}`, () => !lives(pid));
}
