import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { stateDiagram } from "../milter-protocol/state-diagram.ts";

const ROOT = join(import.meta.dirname, "../../..");
const text = readFileSync(join(ROOT, "ARCHITECTURE.md"), "utf8");

describe("ARCHITECTURE.md", () => {
  it("shows the states as the table of transitions has them", () => {
    assert.equal(/```mermaid\n([\s\S]*?)\n```/.exec(text)?.[1], stateDiagram());
  });

  it("names files that are there", () => {
    const named = [...text.matchAll(/`((?:[a-z-]+\/)+[a-z-]+\.ts)`/g)].map(([, path]) => path ?? "");
    assert.ok(named.length > 40);
    assert.deepEqual(
      named.filter((path) => !existsSync(join(ROOT, path.startsWith("test/") ? "." : "src", path))),
      [],
    );
  });
});
