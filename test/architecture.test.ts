import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { describe, it } from "node:test";
import ts from "typescript";

const SRC = join(import.meta.dirname, "..", "src");

/** Which rooms a room may import, each through its index.ts. The composition roots may import all. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  address: [],
  "milter-protocol": [],
  daemon: [],
  runtime: [],
  "spf-check": ["address"],
  config: ["address", "spf-check"],
  "trace-fields": ["address", "spf-check"],
  policy: ["address", "spf-check", "trace-fields"],
  filter: ["address", "milter-protocol", "spf-check", "trace-fields", "policy"],
  server: ["milter-protocol"],
  dns: ["address", "spf-check"],
  cache: ["address", "spf-check"],
  logging: ["filter"],
  query: ["address", "spf-check", "trace-fields"],
};

/** What a room may use of Node and of packages; rooms not named here may use anything. */
const OUTSIDE: Record<string, readonly string[]> = {
  address: ["node:net", "node:url", "ipaddr.js"],
  "milter-protocol": [],
  "spf-check": [],
  "trace-fields": [],
  policy: [],
  filter: [],
  cache: ["lru-cache"],
  runtime: ["node:net", "node:v8"],
  query: [],
};

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}

function importsOf(file: string): string[] {
  return ts
    .preProcessFile(readFileSync(file, "utf8"), true, true)
    .importedFiles.map(({ fileName }) => fileName);
}

const roomOf = (file: string): string | undefined => {
  const parts = relative(SRC, file).split(sep);
  return parts.length > 1 ? parts[0] : undefined;
};

const files = sources(SRC).map((file) => ({
  file,
  name: relative(SRC, file),
  room: roomOf(file),
  imports: importsOf(file),
}));

describe("architecture", () => {
  it("knows every room", () => {
    const rooms = new Set(files.flatMap(({ room }) => (room === undefined ? [] : [room])));
    assert.deepEqual([...rooms].sort(), Object.keys(MAY_IMPORT).sort());
  });

  for (const { file, name, room, imports } of files) {
    if (room === undefined) continue;
    it(`${name} imports only what its room may`, () => {
      for (const specifier of imports) {
        if (!specifier.startsWith(".")) {
          const allowed = OUTSIDE[room];
          if (allowed !== undefined) assert.ok(allowed.includes(specifier), `${name} imports ${specifier}`);
          continue;
        }
        const target = join(dirname(file), specifier);
        const other = roomOf(target);
        if (other === room) continue;
        assert.ok(
          other !== undefined && MAY_IMPORT[room]?.includes(other),
          `${name} reaches into ${specifier}`,
        );
        assert.equal(
          relative(SRC, target),
          join(other, "index.ts"),
          `${name} goes past the index of ${other}`,
        );
      }
    });
  }

  it("has no cycle between files", () => {
    const graph = new Map(
      files.map(({ file, imports }) => [
        file,
        imports.filter((s) => s.startsWith(".")).map((s) => join(dirname(file), s)),
      ]),
    );
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (done.has(file)) return;
      const at = path.indexOf(file);
      assert.equal(at, -1, `cycle: ${[...path.slice(at), file].map((f) => relative(SRC, f)).join(" -> ")}`);
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const { file } of files) visit(file, []);
  });

  it("keeps clock, log and process out of the cores", () => {
    for (const { file, name, room } of files) {
      if (
        room === undefined ||
        !["address", "milter-protocol", "spf-check", "trace-fields", "policy", "filter", "query"].includes(
          room,
        )
      ) {
        continue;
      }
      const code = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
      for (const word of [
        "Date.now(",
        "new Date(",
        "performance.",
        "process.",
        "console.",
        "setTimeout(",
        "Math.random(",
      ]) {
        assert.ok(!code.includes(word), `${name} uses ${word}`);
      }
    }
  });
});
