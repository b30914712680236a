/** What `make build` makes of the sources as they are now, made once for all tests. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const CACHE = join(ROOT, "node_modules", ".cache", "smf-spf");
const DAY_MS = 24 * 3600 * 1000;

/** All that a build reads. */
const SOURCES = ["build.mjs", "package.json", "package-lock.json", "src"];

/**
 * The directory with the programs and parts as they are shipped. Its name comes from the sources, so nothing in it is
 * ever older than they are. Several who find none build one each, and the first stays.
 */
export function builtDirectory(): string {
  const built = join(CACHE, keyOf(SOURCES.flatMap((name) => filesIn(join(ROOT, name)))));
  if (existsSync(built)) return built;
  const own = `${built}.${process.pid}`;
  mkdirSync(CACHE, { recursive: true });
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > DAY_MS) remove(path);
  }
  execFileSync(process.execPath, [join(ROOT, "build.mjs"), own], { stdio: "pipe" });
  try {
    renameSync(own, built);
  } catch (error) {
    remove(own);
    if (!existsSync(built)) throw error;
  }
  return built;
}

function keyOf(files: readonly string[]): string {
  const hash = createHash("sha256").update(process.version);
  for (const file of files) hash.update(`\0${relative(ROOT, file)}\0`).update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

function filesIn(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .filter((name) => name !== "node_modules")
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
