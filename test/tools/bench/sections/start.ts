import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AnswerCache } from "../../../../src/dns/index.ts";
import { CacheFile } from "../../../../src/smf-spf/cache-file.ts";
import type { Bench } from "../bench.ts";
import { startDaemon, writeConfiguration } from "../peers.ts";
import { median } from "../statistics.ts";
import { figure } from "../table.ts";
import type { Section } from "./section.ts";

const ENTRIES = 100_000;

/** A file as a daemon leaves it; its digest is another, so the answers of it are read. */
async function fillCacheFile(path: string): Promise<void> {
  const answers = new AnswerCache({
    source: { ask: () => ({ cancel: () => undefined }) },
    entriesMax: ENTRIES,
  });
  for (let i = 0; i < ENTRIES; i++) {
    answers.restore([`TXT d${i}.bench.test`, "found", ["v=spf1 ip4:192.0.2.0/24 -all"]], 3_600_000);
  }
  const verdicts = { *dump() {}, restore: () => false };
  const tell = (text: string): never => {
    throw new Error(text);
  };
  const file = new CacheFile({ path, answers, verdicts, digest: "bench", wallMs: () => Date.now(), tell });
  await file.load();
  await file.save();
}

/** From the start of the process to the first connection it takes. */
export async function start(bench: Bench): Promise<Section> {
  const plain = join(bench.folder, "start");
  const full = join(bench.folder, "start-full");
  mkdirSync(plain);
  mkdirSync(full);
  const cacheFile = join(full, "cache");
  await fillCacheFile(cacheFile);
  const filled = readFileSync(cacheFile);
  const daemons = [
    { name: "smf-spf", folder: plain, extra: [], times: [] as number[] },
    {
      name: `CacheFile of ${ENTRIES}`,
      folder: full,
      extra: [`CacheFile ${cacheFile}`],
      times: [] as number[],
    },
  ];
  for (let round = 0; round < bench.options.rounds * 2; round++) {
    for (const { folder, extra, times } of daemons) {
      const configuration = writeConfiguration(folder, bench.nameServerPort, extra);
      if (extra.length > 0) writeFileSync(cacheFile, filled, { mode: 0o600 });
      const begun = performance.now();
      const daemon = await startDaemon(folder, configuration);
      times.push(performance.now() - begun);
      await daemon.stop();
    }
  }
  return {
    title: "start: from exec to the first connection taken",
    head: ["starts", "milter", "median ms", "slowest ms"],
    rows: daemons.map(({ name, times }) => [
      String(times.length),
      name,
      figure(median(times)),
      figure(Math.max(...times)),
    ]),
    runs: Object.fromEntries(daemons.map(({ name, times }) => [name, times])),
    errors: [],
  };
}
