/** Runs in the namespaces that main.ts makes: sets up the rig, then hands over to node:test. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { makeCertificates } from "./certificates.ts";
import { makeMailboxes } from "./mailbox.ts";
import { enterRig } from "./namespace.ts";

const [tree = "", ...files] = process.argv.slice(2);
enterRig(tree);
makeCertificates();
makeMailboxes();

const root = join(import.meta.dirname, "../../..");
spawn(
  process.execPath,
  [
    "--import",
    "tsx",
    "test/run.ts",
    "--concurrency",
    "1",
    ...(files.length > 0 ? files : ["test/system/e2e"]),
  ],
  { cwd: root, stdio: "inherit" },
).on("close", (code) => {
  process.exitCode = code ?? 1;
});
