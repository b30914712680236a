/**
 * `make soak`: a storm for SOAK_SECONDS (300). The seed is printed.
 *
 *     SOAK_SECONDS=… SOAK_SEED=… SOAK_CONNECTIONS=… tsx test/tools/soak/main.ts
 */
import { runStorm } from "./storm.ts";

/** What a daemon may grow once caches and code are warm. */
const GROWTH_MIB_MAX = 96;

const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const seed = number("SOAK_SEED", Math.floor(Math.random() * 2 ** 32));
const seconds = number("SOAK_SECONDS", 300);
const connections = number("SOAK_CONNECTIONS", 64);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

say(`${seconds} s, ${connections} connections, SOAK_SEED=${seed}`);
const report = await runStorm({ seed, seconds, connections, attackers: 8 });
const third = report.memoryMiB[Math.floor(report.memoryMiB.length / 3) - 1] ?? 0;
const late = report.memoryMiB.at(-1) ?? 0;
say(`${report.messages} messages, ${report.wrong.length} wrong verdicts`);
say([...report.results].map(([result, count]) => `${result} ${count}`).join(", "));
say(`${report.reloads} reloads, ${report.attacks} attacks, memory ${report.memoryMiB.join(", ")} MiB`);
for (const line of [...report.counters, ...report.faults, ...report.wrong.slice(0, 20)]) say(line);
const grown = late - third > GROWTH_MIB_MAX;
if (grown) say(`memory has grown by more than ${GROWTH_MIB_MAX} MiB`);
const failed = report.wrong.length > 0 || report.faults.length > 0 || report.messages === 0 || grown;
process.exitCode = failed ? 1 : 0;
