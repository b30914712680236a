/**
 * What V8 has to be told about a daemon that runs for months, and how much memory its parts may take.
 *
 * Each trick names its gain, as `test/tools/bench/tuning.ts NAME` measures it: the daemon with and without it in turn,
 * processor time of a message at 16 and at 64 connections. One that gains less than 3 % goes. Three more belong to the
 * code they are in: ConnectionTable in server/connection.ts, encodeEdits in milter-protocol/responses.ts, and objects of a
 * message that are written out (`writtenOut`: spf-check/session.ts, filter/message.ts).
 */
import { Socket } from "node:net";
import { getHeapStatistics, setFlagsFromString } from "node:v8";

const MIB = 1024 * 1024;

/**
 * So much memory in octets, but no more than an eighth of the heap, which on a small machine is small. A limit and not a
 * trick: without it a heap of 48 MiB is filled from outside (test/system/hardening/faults.test.ts).
 */
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
 * several times of what is alive. It then collects more often, which costs processor time while ever new senders come;
 * a small heap is left alone.
 *
 * `heapGrowth`: 160 MB resident after 60,000 senders, 276 without it (Node 20); 275 and 375 on Node 24. It stays as long
 * as V8 has no limit that follows what is alive.
 */
export class HeapGrowth {
  #evaluations = 0;
  #limited = false;

  /** One more evaluation, whose verdict may stay in memory. */
  evaluated(): void {
    if (this.#limited || ++this.#evaluations % LOOK_EVERY !== 0) return;
    if (getHeapStatistics().used_heap_size < LARGE_HEAP_OCTETS) return;
    this.#limited = true;
    limitHeapGrowth(GROWTH_PERCENT);
  }
}

/**
 * Has V8 collect when the old part of the heap has grown by so much since the last time. It reads this at every
 * collection, so it may change while the process runs. For spfreport, 40 %: 120 MiB for 400,000 lines, 157 without it,
 * in a tenth more time (`make bench-report`).
 */
export function limitHeapGrowth(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}

/**
 * Has V8 create every object in the young part of the heap. Left alone, it learns from the messages that wait for
 * DNS that what belongs to a message lives long, and from then on creates it in the old part, where a finished
 * message stays until that part is collected and keeps alive whatever it points to: its whole connection, through
 * several collections of the young part. They then take three times as long.
 *
 * `pretenuring`: once messages have waited for DNS, later ones cost 34 and 46 % more processor time without it and their
 * 99th percentile doubles (Node 20); 15 and 22 % on Node 24. It goes when that is no longer so.
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
 * has to be learnt again at every look at the copy, and 1.5 KB of the old part of the heap for each connection. When V8 has seen
 * many shapes at that place, it goes the general way there, on which classes are shared.
 *
 * `socketShapes`: without it a message on a connection of its own costs 34 and 27 % more. It goes with Node 20.
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
