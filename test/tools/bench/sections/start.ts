import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import { startDaemon, writeConfiguration } from "../peers.ts";
import { median } from "../statistics.ts";
import { figure } from "../table.ts";
import type { Section } from "./section.ts";

/** From the start of the process to the first connection it takes. */
export async function start(bench: Bench): Promise<Section> {
  const folder = join(bench.folder, "start");
  mkdirSync(folder);
  const configuration = writeConfiguration(folder, bench.nameServerPort);
  const times: number[] = [];
  for (let round = 0; round < bench.options.rounds * 2; round++) {
    const begun = performance.now();
    const daemon = await startDaemon(folder, configuration);
    times.push(performance.now() - begun);
    await daemon.stop();
  }
  return {
    title: "start: from exec to the first connection taken",
    head: ["starts", "milter", "median ms", "slowest ms"],
    rows: [[String(times.length), "smf-spf", figure(median(times)), figure(Math.max(...times))]],
    runs: { milliseconds: times },
    errors: [],
  };
}
