/**
 * How long spfreport takes for logs of a million and of ten million lines, and how much memory: `make bench-report`.
 * Half of the lines are other programs'; a message in ten is forged, by a client and for a domain never seen before.
 *
 *     tsx test/tools/bench-report/main.ts [LINES …]      (PROGRAM=FILE: another build of it)
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { randomNumbers, rfc3164 } from "../../support/mail-month.ts";

const PROGRAM = process.env["PROGRAM"] ?? join(import.meta.dirname, "../../../dist/spfreport.js");
const BLOCK_LINES = 10_000;
const MEMORY_EVERY_MS = 50;

/** Blocks of lines, a month of them whatever their number. */
function* blocks(lines: number): Generator<string> {
  const random = randomNumbers(1);
  const below = (n: number): number => Math.floor(random() * n);
  const start = new Date(2026, 9, 20).getTime();
  let block: string[] = [];
  let fresh = 0;
  let head = "";
  for (let i = 0; i < lines; ) {
    if (i % 1000 < 4) head = `${rfc3164(new Date(start + (i / lines) * 30 * 86_400_000))} mx`;
    const said = messageLines(below, () => fresh++);
    for (const text of said) block.push(`${head} ${text}`);
    i += said.length;
    if (block.length >= BLOCK_LINES) {
      yield `${block.join("\n")}\n`;
      block = [];
    }
  }
  yield `${block.join("\n")}\n`;
}

function messageLines(below: (n: number) => number, fresh: () => number): string[] {
  const dice = below(10);
  if (dice === 0) {
    const n = fresh();
    const ip = `198.${18 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
    const who = `${ip}, [${ip}], mail.forger${n}.example, boss@bank${n}.example`;
    return [
      `postfix/smtpd[99]: connect from unknown[${ip}]`,
      `smf-spf[812]: SPF fail: ${who}`,
      `smf-spf[812]: SPF refused: ${who}, reason="SPF fail", reply="550 5.7.23 SPF fail: it does not permit it"`,
      `postfix/smtpd[99]: disconnect from unknown[${ip}] ehlo=1 mail=0/1 quit=1 commands=2/3`,
    ];
  }
  const n = below(20_000);
  const who = `192.0.${n >> 8}.${n & 255}, mail.site${n}.example, mail.site${n}.example, user${below(50)}@site${n}.example`;
  return [
    `smf-spf[812]: SPF ${dice < 7 ? "pass" : "none"}${dice < 4 ? " (cached)" : ""}: ${who}`,
    `postfix/qmgr[77]: 4B${below(1_000_000)}: removed`,
  ];
}

/** The most memory that a process has had, in MiB (Linux). */
function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}

async function measure(lines: number): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, "--no-dns", "--format=json"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let peak = 0;
  const timer = setInterval(() => {
    try {
      if (child.pid !== undefined) peak = Math.max(peak, peakMemory(child.pid));
    } catch {
      // It has ended, or this is not Linux.
    }
  }, MEMORY_EVERY_MS);
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
  const ended = once(child, "close");
  const started = performance.now();
  for (const block of blocks(lines)) {
    if (!child.stdin.write(block)) await once(child.stdin, "drain");
  }
  child.stdin.end();
  const [code] = (await ended) as [number | null];
  clearInterval(timer);
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`spfreport ended with ${String(code)}`);
  const report = JSON.parse(out) as {
    lines: { read: number };
    messages: number;
    actions: { refused: { done: number } };
  };
  process.stdout.write(
    `${report.lines.read} lines, ${report.messages} messages, ${report.actions.refused.done} refused: ` +
      `${seconds.toFixed(1)} s, ${Math.round(report.lines.read / seconds / 1000)} thousand lines a second, ${Math.round(peak)} MiB\n`,
  );
}

const sizes = process.argv.slice(2).map(Number);
for (const lines of sizes.length > 0 ? sizes : [1_000_000, 10_000_000]) await measure(lines);
