/** What processes have used, as the kernel tells it under /proc; undefined where there is none (not Linux). */
import { readFileSync } from "node:fs";

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

/** User and system time in clock ticks of 10 ms, as seconds. */
export function cpuSeconds(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Seconds in which any core of the machine was busy since it started. */
export function machineBusySeconds(): number | undefined {
  const line = /^cpu +(.*)$/m.exec(read("/proc/stat") ?? "");
  if (line === null) return undefined;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (line[1] ?? "").split(" ").map(Number);
  return (user + nice + system + irq + softirq) / 100;
}
