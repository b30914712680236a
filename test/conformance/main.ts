/**
 * Runs the SPF suites and prints a line for each: name, passed, total; and every case that failed.
 *
 *     SPF_SUITES=folder tsx test/conformance/main.ts
 *
 * Exits 1 where a case failed, and under CI=true where a suite is missing.
 */
import { runCase } from "./evaluate-case.ts";
import { loadSuites, missingSuites, SUITES_FOLDER } from "./suites.ts";

const write = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

let failed = false;
const missing = missingSuites();
if (missing.length > 0) {
  write(`not found in ${SUITES_FOLDER} (SPF_SUITES): ${missing.join(", ")}; only the other cases are run`);
  failed = process.env["CI"] === "true";
}
for (const { name, cases, exceptions } of loadSuites()) {
  const failures = cases.flatMap((one) => {
    const wrong = runCase(one);
    return wrong.length === 0 ? [] : [{ one, wrong }];
  });
  const excepted = exceptions.length === 0 ? "" : `, and ${exceptions.length} that contradict the RFC`;
  write(`${name}: ${cases.length - failures.length} of ${cases.length} passed${excepted}`);
  for (const { one, wrong } of failures) {
    for (const text of wrong)
      write(`  ${one.name}${one.section === undefined ? "" : ` (${one.section})`}: ${text}`);
  }
  if (failures.length > 0 || cases.length === 0) failed = true;
}
process.exitCode = failed ? 1 : 0;
