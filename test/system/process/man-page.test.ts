import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { EXIT } from "../../../src/process/errors.ts";
import { parseCommandLine } from "../../../src/smf-spf/command-line.ts";

const page = readFileSync(join(import.meta.dirname, "../../../etc/man/smf-spf.8"), "utf8");

/** The entries of the list that follows a line. */
function entriesAfter(line: string): string[] {
  const start = page.indexOf(`\n${line}\n`);
  assert.ok(start !== -1, line);
  const list = page.slice(start, page.indexOf("\n.El", start));
  return [...list.matchAll(/^\.It (.*)$/gm)].map(([, entry = ""]) => entry);
}

describe("smf-spf(8)", () => {
  it("has the options of --help, short and long", () => {
    const help = parseCommandLine(["--help"], { version: "", defaultConfig: "" });
    assert.ok(help.kind === "done");
    const offered = [...help.output.matchAll(/^ {2}-(\w), --([\w-]+)( <\w+>)?/gm)].map(
      ([, short = "", long = "", argument]) => {
        const takes = argument === undefined ? "" : " Ar file";
        return `Fl ${short}${takes} , Fl -${long}${takes}`;
      },
    );
    assert.equal(offered.length, 6);
    // Those without a short form say in words of their own what they take.
    const longOnly = [...help.output.matchAll(/^ {2}--([\w-]+)/gm)].map(([, long = ""]) => `Fl -${long}`);
    const told = entriesAfter("The options are:").map((entry) => /^Fl -[\w-]+/.exec(entry)?.[0] ?? entry);
    assert.deepEqual(told.sort(), [...offered, ...longOnly].sort());
  });

  it("has every exit code", () => {
    assert.deepEqual(entriesAfter(".Sh EXIT STATUS").map(Number), Object.values(EXIT));
  });
});
