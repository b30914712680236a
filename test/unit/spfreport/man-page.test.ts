import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeCommand } from "../../../src/spfreport/command-line.ts";

const source = readFileSync(join(import.meta.dirname, "../../../etc/man/spfreport.1"), "utf8");
const command = makeCommand("0", 0);
const help = command.helpInformation();

describe("spfreport(1)", () => {
  const flags = [...help.matchAll(/^ {2}(?:-([a-zA-Z]), )?--([a-z-]+)/gm)];

  it("is about all the options of --help", () => {
    assert.equal(flags.length, command.options.length + 1);
    const described = [...source.matchAll(/^\.It .*$/gm)]
      .flatMap(([line]) => [...line.matchAll(/Fl -([a-z-]+)/g)])
      .map(([, name = ""]) => name);
    assert.deepEqual(described.sort(), flags.map(([, , name = ""]) => name).sort());
  });

  for (const [, short, long = ""] of flags) {
    it(`describes --${long}`, () => {
      assert.match(source, new RegExp(`^\\.It .*Fl -${long}\\b`, "m"));
      if (short !== undefined) assert.match(source, new RegExp(`^\\.It Fl ${short}\\b.*Fl -${long}\\b`, "m"));
    });
  }

  it("has the forms that --format takes", () => {
    for (const format of ["text", "html", "json", "csv"])
      assert.match(source, new RegExp(`^\\.Cm ${format}$`, "m"));
  });

  it("is helped by a --help of 80 columns", () => {
    for (const line of help.split("\n")) assert.ok(line.length <= 80, line);
  });
});
