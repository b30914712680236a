/** How far garbage may grow beside full caches. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";

/** Evaluations from one look at the heap to the next. */
const LOOK_EVERY = 500;
/** From here on it is the caches that fill the heap. */
const LARGE_HEAP_OCTETS = 40 * 1024 * 1024;
const GROWTH_PERCENT = 30;

/**
 * Keeps the heap small where caches fill it. Left alone, V8 collects the old part of the heap when it has grown to
 * several times of what is alive: with full caches and ever new senders that would be some 500 MB. It then collects
 * more often, which costs processor time; a small heap is left alone.
 */
export class HeapGrowth {
  #evaluations = 0;
  #limited = false;

  /** One more evaluation, whose verdict may stay in memory. */
  evaluated(): void {
    if (this.#limited || ++this.#evaluations % LOOK_EVERY !== 0) return;
    if (getHeapStatistics().used_heap_size < LARGE_HEAP_OCTETS) return;
    this.#limited = true;
    // V8 reads it at every collection, so it may change while the process runs.
    setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  }
}
