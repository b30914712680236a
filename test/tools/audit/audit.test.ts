import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Audit, conclude, readAudit } from "./report.ts";

const CLEAN = {
  auditReportVersion: 2,
  vulnerabilities: {},
  metadata: { vulnerabilities: { total: 0 }, dependencies: { prod: 5, dev: 150, total: 155 } },
};
const VULNERABLE = {
  ...CLEAN,
  vulnerabilities: {
    inner: {
      name: "inner",
      severity: "high",
      via: [{ title: "Reads too far", url: "https://advisories.example/1", severity: "high" }],
      range: "<1.2.3",
    },
    outer: { name: "outer", severity: "high", via: ["inner"], range: "*" },
  },
};
const REFUSED = {
  message: "405 Method Not Allowed - POST https://registry.example/bulk",
  statusCode: 405,
  error: { summary: "", detail: "" },
};
const NO_LOCK = {
  error: { code: "ENOLOCK", summary: "This command requires an existing lockfile.", detail: "" },
};

const FOUND = [
  "inner <1.2.3: high: Reads too far (https://advisories.example/1)",
  "outer *: high: by way of inner",
];

describe("readAudit", () => {
  const cases: readonly (readonly [string, string, Audit])[] = [
    ["a report without findings", JSON.stringify(CLEAN), { kind: "clean", packages: 155 }],
    ["a report with findings", JSON.stringify(VULNERABLE), { kind: "vulnerable", found: FOUND }],
    ["a refusal", JSON.stringify(REFUSED), { kind: "unanswered", reason: REFUSED.message }],
    ["a want of npm's own", JSON.stringify(NO_LOCK), { kind: "unanswered", reason: NO_LOCK.error.summary }],
    ["an unknown object", "{}", { kind: "unanswered", reason: "its answer is no report" }],
    ["no object", "null", { kind: "unanswered", reason: "its answer is no report" }],
    ["nothing", "", { kind: "unanswered", reason: "npm printed no report" }],
  ];
  for (const [what, output, expected] of cases) {
    it(`reads ${what}`, () => {
      assert.deepEqual(readAudit(output), expected);
    });
  }
});

describe("conclude", () => {
  const clean: Audit = { kind: "clean", packages: 5 };
  const vulnerable: Audit = { kind: "vulnerable", found: FOUND };
  const unanswered: Audit = { kind: "unanswered", reason: "405" };
  for (const [first, second, expected] of [
    [clean, clean, 0],
    [clean, vulnerable, 1],
    [vulnerable, unanswered, 1],
    [unanswered, vulnerable, 1],
    [clean, unanswered, 69],
    [unanswered, unanswered, 69],
  ] as const) {
    it(`ends with ${expected} for ${first.kind}, then ${second.kind}`, () => {
      const { exitCode } = conclude([
        { what: "shipped", audit: first },
        { what: "all", audit: second },
      ]);
      assert.equal(exitCode, expected);
    });
  }

  it("names what is vulnerable", () => {
    assert.deepEqual(conclude([{ what: "all", audit: vulnerable }]).lines, [
      "all: 2 vulnerable",
      ...FOUND.map((line) => `  ${line}`),
    ]);
  });
});

describe("make audit", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "smf-spf-audit-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** With an npm that prints one report for what is shipped and another for all. */
  function run(shipped: object, all: object): { code: number | null; out: string } {
    const npm = join(folder, "npm");
    writeFileSync(
      npm,
      `#!/bin/sh\ncase $* in\n"audit --json --omit=dev") echo '${JSON.stringify(shipped)}' ;;\n` +
        `"audit --json") echo '${JSON.stringify(all)}' ;;\nesac\nexit 1\n`,
    );
    chmodSync(npm, 0o755);
    const { status, stdout } = spawnSync(
      process.execPath,
      ["--import", "tsx", join(import.meta.dirname, "main.ts")],
      { encoding: "utf8", env: { ...process.env, NPM: npm } },
    );
    return { code: status, out: stdout };
  }

  it("asks for what is shipped, then for all, and tells of both", () => {
    const { code, out } = run(CLEAN, VULNERABLE);
    assert.equal(code, 1);
    assert.match(
      out,
      /^packages that are shipped \(.*\): nothing is known against 155 packages\nall packages .*: 2 vul/,
    );
  });

  it("says that nothing was audited where the registry takes no audit requests", () => {
    const { code, out } = run(REFUSED, REFUSED);
    assert.equal(code, 69);
    assert.equal(out.match(/NOT AUDITED, .*: 405 Method Not Allowed/g)?.length, 2);
  });
});
