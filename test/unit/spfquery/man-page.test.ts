import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { SPF_RESULTS } from "spf-check";
import { exitCodeOf, helpText, OPTIONS, usageExitCode } from "../../../src/spfquery/options.ts";

const source = readFileSync(join(import.meta.dirname, "../../../etc/man/spfquery.1"), "utf8");
const STYLES = ["qmail", "mail-spf", "libspf2"] as const;

describe("spfquery(1)", () => {
  for (const { names, help } of OPTIONS) {
    if (help === undefined) continue;
    it(`describes --${names[0] ?? ""}`, () => {
      assert.match(source, new RegExp(`^\\.It .*Fl -${names[0] ?? ""}\\b`, "m"));
      assert.ok(helpText().includes(`  --${names[0] ?? ""}`));
    });
  }

  it("has the exit codes as they are", () => {
    for (const result of SPF_RESULTS) {
      const codes = STYLES.map((style) => exitCodeOf(style, result));
      assert.ok(source.includes(`\n.It ${[result, ...codes].join(" Ta ")}\n`), result);
    }
    assert.ok(source.includes(`\n.It ${["usage", ...STYLES.map(usageExitCode)].join(" Ta ")}\n`));
  });

  it("has the exit codes of the help too", () => {
    const help = helpText();
    const order = ["pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"] as const;
    for (const style of STYLES) {
      const codes = [...order.map((result) => exitCodeOf(style, result)), usageExitCode(style)];
      assert.match(help, new RegExp(`\\n  ${style} .*\\) +${codes.join(" +")}\\n`));
    }
  });
});
