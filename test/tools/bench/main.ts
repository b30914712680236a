/**
 * Measures the built daemon, a bare node:net milter, and any other milter named in PEER, under the load of an MTA.
 * Prints tables, writes every run as JSON. See usage() in options.ts.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { dirname } from "node:path";
import { Bench } from "./bench.ts";
import { type Options, readOptions, usage } from "./options.ts";
import { SECTIONS, type Section } from "./sections/index.ts";
import { table } from "./table.ts";

const EXPLAINED = `
Waits are what the MTA feels: from the command that is answered to the answer, connect included; p50 and p99 are of a
whole message, a verdict is the answer to MAIL. "rate ×" and "p50 ×" set smf-spf against the milter of the line,
round by round, median: more messages a second is above 1, shorter waits below 1. "gen" is the share of a core that
the load generator used: near 1 it, not the milter, is the limit. "other" is what the rest of the machine used:
above 0.3 the line is noise. "wrong" counts messages that were not accepted.
`;

const NAMES = Object.keys(SECTIONS);

async function main(options: Options): Promise<void> {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "?"}, ${process.platform} ${release()}, Node ${process.version}`;
  process.stdout.write(
    `${machine}\n${options.mta}'s packets, ${options.rounds} rounds of ${options.seconds} s, medians\n`,
  );
  const bench = await Bench.open(options);
  const results: Record<string, Section> = {};
  try {
    for (const name of options.sections) {
      const section = await SECTIONS[name]?.(bench);
      if (section === undefined) continue;
      results[name] = section;
      process.stdout.write(`\n${section.title}\n\n${table(section.head, section.rows)}`);
      for (const error of new Set(section.errors)) process.stdout.write(`  ! ${error}\n`);
    }
  } finally {
    await bench.close();
  }
  mkdirSync(dirname(options.jsonPath), { recursive: true });
  const written = {
    machine,
    mta: options.mta,
    rounds: options.rounds,
    seconds: options.seconds,
    sections: results,
  };
  writeFileSync(options.jsonPath, `${JSON.stringify(written, undefined, 1)}\n`);
  process.stdout.write(`${EXPLAINED}\nEvery run: ${options.jsonPath}\n`);
}

if (process.argv.includes("--help")) {
  process.stdout.write(usage(NAMES));
} else {
  try {
    await main(readOptions(process.env, NAMES));
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n${usage(NAMES)}`);
    process.exitCode = 1;
  }
}
