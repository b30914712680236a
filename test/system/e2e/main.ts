/**
 * `make e2e`: the daemon as it is shipped, behind a real Sendmail and a real Postfix, in namespaces of their
 * own. Nothing is installed, and everything dies with this process.
 *
 *     tsx test/system/e2e/main.ts [FILE …]
 *
 * E2E_CACHE names the folder for the Debian packages (default `.cache/e2e`). Where the machine lacks something
 * the run says what and is skipped; under CI=true it fails.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { BUNDLE } from "../scenario/daemon.ts";
import { MissingRequirement, packageTree } from "./packages.ts";

const ROOT = join(import.meta.dirname, "../../..");

const NAMESPACES = ["--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"];

const TOOLS = ["apt-get", "dpkg", "unshare", "mount", "ip", "openssl", "logger", "ldconfig"];

function need(condition: boolean, lack: string): void {
  if (!condition) throw new MissingRequirement(lack);
}

function checkMachine(): void {
  need(process.platform === "linux" && existsSync("/etc/debian_version"), "Debian is needed");
  need(process.getuid?.() === 0, "root is needed (namespaces, overlays, accounts)");
  for (const tool of TOOLS) {
    try {
      execFileSync("sh", ["-c", `command -v ${tool}`], { stdio: "ignore" });
    } catch {
      throw new MissingRequirement(`the program ${tool} is needed`);
    }
  }
  try {
    execFileSync("unshare", [...NAMESPACES, "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" });
  } catch {
    throw new MissingRequirement("namespaces and mounts are needed (CAP_SYS_ADMIN)");
  }
  const hasOverlay = readFileSync("/proc/filesystems", "utf8").includes("overlay") || tryModprobe("overlay");
  need(hasOverlay, "the overlay file system is needed");
  need(existsSync(BUNDLE), `${BUNDLE} is needed (make build)`);
}

function tryModprobe(module: string): boolean {
  try {
    execFileSync("modprobe", [module], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function run(tree: string, files: readonly string[]): void {
  // The shell is process 1 in there, to collect the daemons' orphans; the tests are its only command.
  const child = spawn(
    "unshare",
    [
      ...NAMESPACES,
      "sh",
      "-c",
      '"$@"; exit $?',
      "e2e",
      process.execPath,
      "--import",
      "tsx",
      join(import.meta.dirname, "inside.ts"),
      tree,
      ...files.map((file) => resolve(file)),
    ],
    { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] },
  );
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill("SIGKILL"));
  child.on("close", (code) => process.exit(code ?? 1));
}

try {
  checkMachine();
  const cache = resolve(process.env["E2E_CACHE"] ?? join(ROOT, ".cache", "e2e"));
  mkdirSync(cache, { recursive: true });
  run(packageTree(cache), process.argv.slice(2));
} catch (error) {
  if (!(error instanceof MissingRequirement)) throw error;
  const ci = process.env["CI"] === "true";
  process.stderr.write(`make e2e: ${ci ? "FAILED" : "SKIPPED, nothing was tested"}: ${error.message}\n`);
  process.exitCode = ci ? 1 : 0;
}
