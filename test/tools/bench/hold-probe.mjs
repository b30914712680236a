/**
 * Loaded into the daemon with `--import` by sections/hold.ts: how long its event loop is held. At SIGWINCH it writes what it
 * has seen since the last time to the file named in HOLD_FILE, and starts again. Milliseconds.
 */
import { renameSync, writeFileSync } from "node:fs";
import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";

// The daemon keeps no environment.
const FILE = process.env.HOLD_FILE;
const RESOLUTION_MS = 1;
const KINDS = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weak callbacks"],
]);
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
let collections = {};

new PerformanceObserver((list) => {
  for (const { duration, detail } of list.getEntries()) {
    const kind = KINDS.get(detail.kind) ?? "other";
    const seen = collections[kind] ?? { count: 0, longestMs: 0 };
    collections[kind] = { count: seen.count + 1, longestMs: Math.max(seen.longestMs, duration) };
  }
}).observe({ entryTypes: ["gc"] });
delay.enable();

process.on("SIGWINCH", () => {
  // The interval of the timer itself is part of what the histogram counts.
  const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  const seen = {
    samples: delay.count,
    p99Ms: ms(delay.percentile(99)),
    p9999Ms: ms(delay.percentile(99.99)),
    maxMs: ms(delay.max),
    collections,
  };
  writeFileSync(`${FILE}.new`, JSON.stringify(seen));
  renameSync(`${FILE}.new`, FILE);
  collections = {};
  delay.reset();
});
