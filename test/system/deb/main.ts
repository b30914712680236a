/**
 * `make e2e-deb`: a bare Debian 13 that its own systemd runs, with Debian's own Node. The package from install to purge,
 * and over that of the former version, which is made from git; and a stranger who follows the documents, with Postfix and
 * with Sendmail. Nothing is installed on this machine.
 *
 * DEB_CACHE names the folder for that Debian (default `.cache/deb`). Where the machine lacks something the run says
 * what and is skipped; under CI=true it fails.
 */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { bareDebian, MissingRequirement } from "./bootstrap.ts";
import { formerPackage } from "./former.ts";
import { Layers } from "./layers.ts";
import { lackForMachine } from "./machine.ts";
import { makeSystems } from "./systems.ts";

const ROOT = join(import.meta.dirname, "../../..");

try {
  const lack = lackForMachine();
  if (lack !== undefined) throw new MissingRequirement(lack);
  const cache = resolve(process.env["DEB_CACHE"] ?? join(ROOT, ".cache", "deb"));
  const bare = bareDebian(cache);
  const env = {
    ...process.env,
    DEB_CACHE: cache,
    DEBIAN_TREE: bare,
    FORMER_DEB: formerPackage(ROOT, cache),
    ...makeSystems(new Layers(cache), bare),
  };
  const tests = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.ts"));
  const paths = tests.map((name) => join("test/system/deb", name));
  spawn(process.execPath, ["--import", "tsx", "test/run.ts", ...paths], {
    cwd: ROOT,
    env,
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
