/**
 * Runs every fuzz target in turn. Seed and findings are printed; a finding is also kept as a case.
 *
 *     FUZZ_SECONDS=600 FUZZ_SEED=… tsx test/tools/fuzz/main.ts [TARGET …]
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { replayCases } from "./replay-cases.ts";
import { Rng } from "./rng.ts";
import { afterTime, casesFolder, Finding, loadTargets, runTarget, shareOf, type Target } from "./target.ts";

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function keep(target: Target, finding: Finding): string {
  const folder = casesFolder(target.name);
  mkdirSync(folder, { recursive: true });
  const id = createHash("sha256").update(finding.input).digest("hex").slice(0, 12);
  const file = join(folder, `${id}.hex`);
  writeFileSync(file, `${finding.input.toString("hex")}\n`);
  return file;
}

const chosen = process.argv.slice(2);
const targets = (await loadTargets()).filter(({ name }) => chosen.length === 0 || chosen.includes(name));
if (targets.length === 0) throw new Error(`no such target: ${chosen.join(" ")}`);
const seconds = Number(process.env["FUZZ_SECONDS"] ?? 600);
const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
say(`${targets.length} targets in ${seconds} s, FUZZ_SEED=${seed}`);

let failed = false;
for (const target of targets) {
  const started = performance.now();
  try {
    const cases = await replayCases(target);
    const inputs = await runTarget(target, new Rng(seed), afterTime(shareOf(target, targets, seconds)));
    const elapsed = ((performance.now() - started) / 1000).toFixed(0);
    say(`${target.name}: ${inputs} inputs and ${cases} kept cases in ${elapsed} s, no finding`);
  } catch (error) {
    failed = true;
    const kept = error instanceof Finding ? `, kept in ${keep(target, error)}` : "";
    const cause = error instanceof Finding ? error.cause : error;
    say(`${target.name}: FINDING${kept}\n${cause instanceof Error ? cause.stack : String(cause)}`);
  }
}
process.exit(failed ? 1 : 0);
