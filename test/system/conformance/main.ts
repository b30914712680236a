/**
 * Runs the SPF suites and prints a line for each: name, passed, total; and every case that failed. They are run
 * three times: with zones in memory, with zones served on loopback and asked through the resolver, and by
 * `spfquery --batch` with the same servers.
 *
 *     SPF_SUITES=folder tsx test/system/conformance/main.ts
 *
 * Exits 1 where a case failed, and under CI=true where a suite is missing.
 */
import type { ConformanceCase } from "./conformance-case.ts";
import { runCase } from "./evaluate-case.ts";
import { runCaseOverDns } from "./over-dns.ts";
import { canBeSaid, SpfqueryBatch } from "./over-spfquery.ts";
import { loadSuites, missingSuites, SUITES_FOLDER } from "./suites.ts";

/** Cases at work at the same time, each with a name server of its own. */
const CONCURRENCY = 24;

type Run = (one: ConformanceCase) => string[] | Promise<string[]>;

const write = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

let failed = false;

/** Runs every suite one way, and says how it went. */
async function runSuites(
  heading: string,
  run: Run,
  leftOut: (one: ConformanceCase) => boolean,
): Promise<void> {
  write(`\n${heading}:`);
  let passedInAll = 0;
  let total = 0;
  for (const { name, cases: all, exceptions } of suites) {
    const cases = all.filter((one) => !leftOut(one));
    const failures = (await inParallel(cases, run)).filter(({ wrong }) => wrong.length > 0);
    const passed = cases.length - failures.length;
    const notes = [
      exceptions.length === 0 ? "" : `, and ${exceptions.length} that contradict the RFC`,
      cases.length === all.length ? "" : `, and ${all.length - cases.length} that cannot be said in JSON`,
    ];
    write(`${name}: ${passed} of ${cases.length} passed${notes.join("")}`);
    for (const { one, wrong } of failures) {
      const section = one.section === undefined ? "" : ` (${one.section})`;
      for (const text of wrong) write(`  ${one.name}${section}: ${text}`);
    }
    if (failures.length > 0 || cases.length === 0) failed = true;
    passedInAll += passed;
    total += cases.length;
  }
  write(`in all: ${passedInAll} of ${total} passed`);
}

async function inParallel(
  cases: readonly ConformanceCase[],
  run: Run,
): Promise<{ readonly one: ConformanceCase; readonly wrong: readonly string[] }[]> {
  const results: { one: ConformanceCase; wrong: readonly string[] }[] = [];
  const left = cases.values();
  const work = async (): Promise<void> => {
    for (const one of left) results.push({ one, wrong: await run(one) });
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return results;
}

const suites = loadSuites();
const missing = missingSuites();
if (missing.length > 0) {
  write(`not found in ${SUITES_FOLDER} (SPF_SUITES): ${missing.join(", ")}; only the other cases are run`);
  failed = process.env["CI"] === "true";
}
await runSuites("zones in memory, time-outs as SERVFAIL and as silence", runCase, () => false);
await runSuites("over UDP and TCP, time-outs as SERVFAIL and as silence", runCaseOverDns, () => false);

/** One process for all cases whose operator has set the same. */
const batches = new Map<string, SpfqueryBatch>();
const runByBatch: Run = (one) => {
  const { explanation: _, ...settings } = one.options ?? {};
  const key = JSON.stringify(settings);
  const batch = batches.get(key) ?? new SpfqueryBatch(settings);
  batches.set(key, batch);
  return batch.run(one);
};
await runSuites("by spfquery --batch, time-outs as SERVFAIL", runByBatch, (one) => !canBeSaid(one));
for (const batch of batches.values()) batch.end();
process.exitCode = failed ? 1 : 0;
