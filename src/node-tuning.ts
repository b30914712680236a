/** What V8 is to be told about a daemon that lives for months, and how much memory its parts may take. */
import { Socket } from "node:net";
import { getHeapStatistics, setFlagsFromString } from "node:v8";

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

/**
 * Has V8 create every object in the young part of the heap. Left alone, it learns from the messages that wait for
 * DNS that what belongs to a message lives long, and from then on creates it in the old part, where a finished
 * message stays until that part is collected and keeps alive whatever it points to: its whole connection, through
 * several collections of the young part. They then take three times as long.
 *
 * To be called before the first message: code that is compiled already goes on as it was.
 */
export function disablePretenuring(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}

/** V8 remembers up to four shapes at a place before it gives up. */
const SHAPES = 8;
/** V8 begins to remember when a function has run some times. */
const ROUNDS = 20;
/** The first V8 that needs no help; Node 22 has 12.4, Node 20 has 11.3. */
const MENDED_V8 = 12;

/**
 * Has the sockets of all connections share their hidden classes. Node's constructor copies its options by
 * `{ ...options }`, and as long as these look alike, V8 11 gives every copy a hidden class of its own, which then
 * is learnt anew at every look at the copy: 5 us and 1.5 KB of the old part of the heap for each connection. When
 * V8 has seen many shapes at that place, it goes the general way there, on which classes are shared.
 *
 * To be called once, before the first connection. The sockets made here are never opened. Later versions of V8 are
 * left alone: they copy alike options quickest.
 */
export function shareSocketShapes(): void {
  if (Number.parseInt(process.versions.v8, 10) >= MENDED_V8) return;
  const shapes = Array.from({ length: SHAPES }, (_, shape) =>
    Object.fromEntries(Array.from({ length: shape + 1 }, (_option, index) => [`option${index}`, index])),
  );
  for (let round = 0; round < ROUNDS; round++) for (const shape of shapes) new Socket(shape);
}
