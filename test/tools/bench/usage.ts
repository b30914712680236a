/** What processes have used, as the kernel tells it under /proc; undefined where there is none (not Linux). */
import { readdirSync, readFileSync } from "node:fs";

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

/** Resident memory in KB. */
export function residentKb(pid: number): number | undefined {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? "");
  return line === null ? undefined : Number(line[1]);
}

/** Seconds on a core of all threads: the scheduler counts nanoseconds, where /proc/PID/stat has ticks of 10 ms. */
export function cpuSeconds(pid: number): number | undefined {
  let nanoseconds = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(/^\d+/.exec(read(`/proc/${pid}/task/${thread}/schedstat`) ?? "0")?.[0]);
    }
  } catch {
    return undefined;
  }
  return nanoseconds / 1e9;
}

/** Of /proc/PID/stat. */
const TICKS_PER_SECOND = 100;

/**
 * Seconds on a core of a process and of its children that run, threads that have ended included, to a hundredth: of a filter that
 * makes a thread for every connection.
 */
export function familyCpuSeconds(pid: number): number | undefined {
  // The name of the program may hold spaces and parentheses.
  const fields = read(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ");
  if (fields === undefined) return undefined;
  const own = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  const children = (read(`/proc/${pid}/task/${pid}/children`) ?? "").split(" ").filter(Boolean);
  return children.reduce((total, child) => total + (familyCpuSeconds(Number(child)) ?? 0), own);
}

/** Seconds in which any core of the machine was busy since it started. */
export function machineBusySeconds(): number | undefined {
  const line = /^cpu +(.*)$/m.exec(read("/proc/stat") ?? "");
  if (line === null) return undefined;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (line[1] ?? "").split(" ").map(Number);
  return (user + nice + system + irq + softirq) / 100;
}
