import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type CommandLine, parseCommandLine } from "../../../src/smf-spf/command-line.ts";

const parse = (...args: string[]): CommandLine =>
  parseCommandLine(args, { version: "3.0.0", defaultConfig: "/etc/mail/smfs/smf-spf.conf" });
const run = { kind: "run", foreground: false, config: undefined, dryRun: false };

describe("parseCommandLine", () => {
  const table: [string[], object][] = [
    [[], run],
    [["-f"], { ...run, foreground: true }],
    [["--foreground"], { ...run, foreground: true }],
    [["-c", "/x"], { ...run, config: "/x" }],
    [["-c/x"], { ...run, config: "/x" }],
    [["--config=/x"], { ...run, config: "/x" }],
    [["-n"], { ...run, dryRun: true }],
    [["--dry-run"], { ...run, dryRun: true }],
    [["-t"], { ...run, kind: "check-config" }],
    [["--check-config", "-c", "x"], { ...run, kind: "check-config", config: "x" }],
    [["-fn", "-c", "x"], { ...run, foreground: true, dryRun: true, config: "x" }],
    [["--migrate", "/x"], { kind: "migrate", path: "/x", tcprules: undefined }],
    [["--migrate=/x", "--tcprules", "/y"], { kind: "migrate", path: "/x", tcprules: "/y" }],
    [["--show-config"], { kind: "show-config", config: undefined, dryRun: false, changed: false }],
    [
      ["--show-config=changed", "-n"],
      { kind: "show-config", config: undefined, dryRun: true, changed: true },
    ],
    [["--status"], { kind: "status", config: undefined, dryRun: false, json: false }],
    [["--status=json", "-c", "/x"], { kind: "status", config: "/x", dryRun: false, json: true }],
    [["--show-config", "-c", "/x"], { kind: "show-config", config: "/x", dryRun: false, changed: false }],
  ];
  for (const [args, expected] of table) {
    it(`reads "${args.join(" ")}"`, () => {
      assert.deepEqual(parse(...args), expected);
    });
  }

  for (const args of [
    ["-x"],
    ["--nope"],
    ["-c"],
    ["-c", ""],
    ["extra"],
    ["--show-config=some"],
    ["--tcprules", "/x"],
    ["--status=some"],
  ]) {
    it(`is a usage error, 64, when given "${args.join(" ")}"`, () => {
      const result = parse(...args);
      assert.ok(result.kind === "done");
      assert.equal(result.exitCode, 64);
      assert.match(result.errors, /^smf-spf: /);
      assert.equal(result.output, "");
    });
  }

  it("says how to name the file when -t is followed by one", () => {
    const result = parse("-t", "/x.conf");
    assert.ok(result.kind === "done");
    assert.match(result.errors, /name the file with -c: smf-spf -t -c \/x\.conf\nTry smf-spf --help\.\n$/);
  });

  for (const flag of ["-V", "--version"]) {
    it(`prints the version when given ${flag}`, () => {
      assert.deepEqual(parse(flag), { kind: "done", exitCode: 0, output: "smf-spf 3.0.0\n", errors: "" });
    });
  }

  for (const flag of ["-h", "--help"]) {
    it(`prints every option when given ${flag}`, () => {
      const result = parse(flag);
      assert.ok(result.kind === "done" && result.exitCode === 0);
      for (const option of ["-f", "-c", "-t", "-n", "-V", "-h", "--dry-run", "/etc/mail/smfs/smf-spf.conf"]) {
        assert.ok(result.output.includes(option), option);
      }
    });
  }
});
