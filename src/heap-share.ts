import { getHeapStatistics } from "node:v8";

/** So much memory in octets, but no more than an eighth of the heap, which on a small machine is small. */
export function heapShare(wantedOctets: number): number {
  return Math.min(wantedOctets, Math.floor(getHeapStatistics().heap_size_limit / 8));
}
