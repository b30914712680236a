/**
 * `make e2e-deb`: the Debian package in a bare Debian 13 that its own systemd runs, with Debian's own Node. Nothing
 * is installed on this machine.
 *
 * DEB_CACHE names the folder for that Debian (default `.cache/deb`). Where the machine lacks something the run says
 * what and is skipped; under CI=true it fails.
 */
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { bareDebian, MissingRequirement } from "./bootstrap.ts";
import { lackForMachine } from "./machine.ts";

const ROOT = join(import.meta.dirname, "../../..");

try {
  const lack = lackForMachine();
  if (lack !== undefined) throw new MissingRequirement(lack);
  const tree = bareDebian(resolve(process.env["DEB_CACHE"] ?? join(ROOT, ".cache", "deb")));
  spawn(process.execPath, ["--import", "tsx", "test/run.ts", "test/system/deb/package.test.ts"], {
    cwd: ROOT,
    env: { ...process.env, DEBIAN_TREE: tree },
    stdio: "inherit",
  }).on("close", (code) => {
    process.exitCode = code ?? 1;
  });
} catch (error) {
  if (!(error instanceof MissingRequirement)) throw error;
  const ci = process.env["CI"] === "true";
  process.stderr.write(`make e2e-deb: ${ci ? "FAILED" : "SKIPPED, nothing was tested"}: ${error.message}\n`);
  process.exitCode = ci ? 1 : 0;
}
