import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { describe, it } from "node:test";
import ts from "typescript";

const SRC = join(import.meta.dirname, "../../src");

/** Folders that are packages: imported by name, not by path. */
const PACKAGES = ["milter-protocol", "spf-check"];

/**
 * The programs: they may import every folder, and each other's parts that both are made of. The completions are made
 * from the options of all three.
 */
const PROGRAMS = ["smf-spf", "spfquery", "spfreport", "completions"];

/** Which folders a folder may import, each through its index.ts. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  address: [],
  "milter-protocol": [],
  process: [],
  "spf-check": ["address"],
  config: ["address", "spf-check"],
  "trace-fields": ["address", "spf-check"],
  policy: ["address", "spf-check", "trace-fields"],
  filter: ["address", "milter-protocol", "spf-check", "trace-fields", "policy"],
  server: ["milter-protocol"],
  dns: ["address", "spf-check"],
  "shared-cache": ["spf-check", "dns"],
  verdicts: ["address", "spf-check", "filter"],
  logging: ["filter", "process"],
  status: ["address", "filter", "spf-check"],
};

/** Folders of which a folder may import the types. */
const MAY_IMPORT_TYPES: Record<string, readonly string[]> = {
  config: ["policy", "process", "shared-cache"],
};

/** What a folder may use of Node and of packages; folders not named here may use anything. */
const OUTSIDE: Record<string, readonly string[]> = {
  address: ["node:net", "node:url"],
  "milter-protocol": [],
  "spf-check": [],
  "trace-fields": [],
  policy: [],
  filter: [],
  verdicts: ["lru-cache"],
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

/** Every import of that file is an `import type`. */
function importsTypesOnly(file: string, specifier: string): boolean {
  const imports = readFileSync(file, "utf8").match(/^import [^;]*;/gm) ?? [];
  return imports
    .filter((text) => text.includes(`"${specifier}"`))
    .every((text) => text.startsWith("import type "));
}

const folderOf = (file: string): string | undefined => {
  const parts = relative(SRC, file).split(sep);
  return parts.length > 1 ? parts[0] : undefined;
};

const files = sources(SRC).map((file) => ({
  file,
  name: relative(SRC, file),
  folder: folderOf(file),
  imports: importsOf(file),
}));

describe("architecture", () => {
  it("knows every folder", () => {
    const folders = new Set(files.flatMap(({ folder }) => (folder === undefined ? [] : [folder])));
    assert.deepEqual(
      [...folders].sort(),
      [...Object.keys(MAY_IMPORT), ...PROGRAMS.filter((name) => folders.has(name))].sort(),
    );
  });

  for (const { file, name, folder, imports } of files) {
    if (folder === undefined || PROGRAMS.includes(folder)) continue;
    it(`${name} imports only what its folder may`, () => {
      for (const specifier of imports) {
        if (PACKAGES.includes(specifier)) {
          assert.ok(MAY_IMPORT[folder]?.includes(specifier), `${name} imports ${specifier}`);
          continue;
        }
        if (!specifier.startsWith(".")) {
          const allowed = OUTSIDE[folder];
          if (allowed !== undefined) assert.ok(allowed.includes(specifier), `${name} imports ${specifier}`);
          continue;
        }
        const target = join(dirname(file), specifier);
        assert.ok(
          !PACKAGES.includes(folderOf(target) ?? "") || folderOf(target) === folder,
          `${name} imports a package by path`,
        );
        const other = folderOf(target);
        if (other === folder) continue;
        const typesOnly: readonly string[] = importsTypesOnly(file, specifier)
          ? (MAY_IMPORT_TYPES[folder] ?? [])
          : [];
        assert.ok(
          other !== undefined && [...(MAY_IMPORT[folder] ?? []), ...typesOnly].includes(other),
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
    for (const { file, name, folder } of files) {
      if (
        folder === undefined ||
        !["address", "milter-protocol", "spf-check", "trace-fields", "policy", "filter"].includes(folder)
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
