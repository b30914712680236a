/**
 * Runs node:test over the test files named by folder or file and fails where none was found or none ran:
 * `node --test` on Node 20 expands no patterns and calls an empty run green.
 *
 *     tsx test/run.ts [--concurrency N] [FOLDER|FILE …]
 */
import { spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Folders that other make targets run; here only where they are named. */
const OWN_TARGET = new Set(["test/system/e2e", "test/system/deb"]);

function testFiles(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) return OWN_TARGET.has(inner) ? [] : testFiles(inner);
    return entry.name.endsWith(".test.ts") ? [inner] : [];
  });
}

const args = process.argv.slice(2);
const options: string[] = [];
const paths: string[] = [];
for (let i = 0; i < args.length; i++) {
  const arg = args[i] ?? "";
  if (arg === "--concurrency") options.push(`--test-concurrency=${args[++i] ?? ""}`);
  else paths.push(arg);
}
const files = (paths.length > 0 ? paths : ["test"]).flatMap((path) => testFiles(path)).sort();
if (files.length === 0) {
  process.stderr.write(`no test files under ${paths.join(" ")}\n`);
  process.exit(1);
}

const child = spawn(
  process.execPath,
  ["--import", "tsx", "--test", "--test-reporter=spec", ...options, ...files],
  { stdio: ["ignore", "pipe", "inherit"] },
);
let tail = "";
child.stdout.on("data", (chunk: Buffer) => {
  process.stdout.write(chunk);
  tail = (tail + chunk.toString("utf8")).slice(-4000);
});
child.on("close", (code) => {
  const ran = /\btests (\d+)\s/.exec(tail.slice(tail.lastIndexOf("tests ")));
  if (code === 0 && (ran === null || Number(ran[1]) === 0)) {
    process.stderr.write("no test ran\n");
    process.exit(1);
  }
  process.exit(code ?? 1);
});
