/** How much of the heap one part of the daemon may fill. */
import { getHeapStatistics } from "node:v8";

const MIB = 1024 * 1024;

/** So much memory in octets, but no more than an eighth of the heap, which on a small machine is small. */
export function heapShare(wantedOctets: number): number {
  const flags = [...(process.env["NODE_OPTIONS"] ?? "").split(/\s+/), ...process.execArgv];
  const set = oldSpaceOctets(flags) ?? Infinity;
  return Math.min(wantedOctets, Math.floor(Math.min(getHeapStatistics().heap_size_limit, set) / 8));
}

/**
 * What Node's options set for the old part of the heap, in octets; the last of them counts. V8's own limit has the
 * young part in it, where nothing stays, and with a small heap that is most of it: 192 of 240 MiB on Node 24.
 */
export function oldSpaceOctets(flags: readonly string[]): number | undefined {
  let octets: number | undefined;
  for (const [index, flag] of flags.entries()) {
    const match = /^--max[-_]old[-_]space[-_]size(?:=(\d+))?$/.exec(flag);
    if (match !== null) octets = Number(match[1] ?? flags[index + 1]) * MIB || undefined;
  }
  return octets;
}
