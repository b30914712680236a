import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

const ROOT = join(import.meta.dirname, "../../..");

describe("SECURITY.md", () => {
  const text = readFileSync(join(ROOT, "SECURITY.md"), "utf8");

  it("names tests and sources that are there", () => {
    const named = [...text.matchAll(/`((?:test|src)\/[^`]+)`/g)].map(([, path]) => path ?? "");
    assert.ok(named.length > 50);
    assert.deepEqual(
      named.filter((path) => !existsSync(join(ROOT, path))),
      [],
    );
  });

  it("names a test in every row of its tables, those of commands aside", () => {
    const rows = text.split("\n").filter((line) => /^\| (?!---|`make )/.test(line));
    const bare = rows.filter((row) => !/`test\//.test(row));
    // What is left are the heads of the tables.
    assert.ok(
      bare.every((row) => /^\| (controls|happens|vulnerability|what passed|command) /.test(row)),
      bare.join("\n"),
    );
  });
});
