/**
 * `make audit`: asks the registry what is known against the packages that are shipped, then against all. Ends with
 * 1 where there is something, with 69 where the registry does not say.
 */
import { spawnSync } from "node:child_process";
import { type Audit, type AuditRun, conclude, readAudit } from "./report.ts";

const NPM = process.env["NPM"] ?? "npm";
const ANSWER_OCTETS_MAX = 64 * 1024 * 1024;

function audit(...options: readonly string[]): Audit {
  const { stdout, error } = spawnSync(NPM, ["audit", "--json", ...options], {
    encoding: "utf8",
    maxBuffer: ANSWER_OCTETS_MAX,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return error === undefined
    ? readAudit(stdout)
    : { kind: "unanswered", reason: `${NPM} cannot be run: ${error.message}` };
}

const runs: AuditRun[] = [
  { what: "packages that are shipped (npm audit --omit=dev)", audit: audit("--omit=dev") },
  { what: "all packages (npm audit)", audit: audit() },
];
const { lines, exitCode } = conclude(runs);
for (const line of lines) process.stdout.write(`${line}\n`);
process.exitCode = exitCode;
