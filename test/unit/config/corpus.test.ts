import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { type Fault, loadConfig } from "../../../src/config/index.ts";
import { OPTION_NAMES } from "../../../src/config/table.ts";
import { reports } from "./reading.ts";

/** Every file says in comments that begin with `#: ` what is reported about it, in the order of its lines. */
function corpus(folder: string): string[] {
  const path = join(import.meta.dirname, folder);
  return readdirSync(path)
    .filter((name) => name.endsWith(".conf"))
    .sort()
    .map((name) => join(path, name));
}

function expected(path: string): string[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line.startsWith("#: ")).map((line) => line.slice("#: ".length));
}

function load(path: string) {
  const parsed = loadConfig(path, { mustExist: true, env: {} });
  const named = (faults: readonly Fault[]): Fault[] =>
    faults.map((fault) => ({
      ...fault,
      file: fault.file === path ? basename(path) : fault.file,
      reason: fault.reason.replaceAll(path, basename(path)),
    }));
  const { faults, unknown, warnings } = parsed;
  return { ...parsed, faults: named(faults), unknown: named(unknown), warnings: named(warnings) };
}

describe("loadConfig on faulty files", () => {
  const files = corpus("faulty");

  it("has at least 40 of them", () => {
    assert.ok(files.length >= 40, `${files.length} files`);
  });

  for (const path of files) {
    it(`reports what is wrong in ${basename(path)}`, () => {
      const parsed = load(path);
      assert.ok(parsed.faults.length + parsed.unknown.length > 0, "nothing is a fault under -t");
      assert.equal(parsed.settings === undefined, parsed.faults.length > 0);
      assert.deepEqual(reports(parsed), expected(path));
    });
  }

  it("speaks of every option", () => {
    const told = files.flatMap((path) => load(path).faults.map(({ option }) => option.toLowerCase()));
    // Two options of one kind need one file.
    const sameKind =
      /^(?:skip|tagsubject|quarantine$|refuse|addr|relaxed|accept|softfail|report|prefetch|daemon|spfbest)/i;
    const missing = OPTION_NAMES.filter((name) => !told.includes(name.toLowerCase()) && !sameKind.test(name));
    assert.deepEqual(missing, []);
  });
});

describe("loadConfig on doubtful files", () => {
  for (const path of corpus("doubtful")) {
    it(`starts and warns about ${basename(path)}`, () => {
      const parsed = load(path);
      assert.ok(parsed.settings !== undefined);
      assert.deepEqual(reports(parsed), expected(path));
      assert.notDeepEqual(parsed.warnings, []);
    });
  }
});
