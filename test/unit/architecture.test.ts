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

/** What a folder may import of others, each through its index.ts: the table of ARCHITECTURE.md. */
const ROWS = [
  ...readFileSync(join(SRC, "../ARCHITECTURE.md"), "utf8").matchAll(/^\| `([a-z-]+)` \| .* \| (.*) \|$/gm),
].map(([, folder = "", may = ""]) => {
  const [all = [], types = []] = may
    .split("types:")
    .map((list): string[] => list.match(/[a-z-]+(?=`)/g) ?? []);
  return { folder, all, types };
});

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
    assert.deepEqual([...folders].sort(), [...ROWS.map((row) => row.folder), ...PROGRAMS].sort());
  });

  for (const { file, name, folder, imports } of files) {
    if (folder === undefined || PROGRAMS.includes(folder)) continue;
    const row = ROWS.find((one) => one.folder === folder);
    it(`${name} imports only what its folder may`, () => {
      for (const specifier of imports) {
        if (PACKAGES.includes(specifier)) {
          assert.ok(row?.all.includes(specifier), `${name} imports ${specifier}`);
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
        const mayImport = [
          ...(row?.all ?? []),
          ...(importsTypesOnly(file, specifier) ? (row?.types ?? []) : []),
        ];
        assert.ok(other !== undefined && mayImport.includes(other), `${name} reaches into ${specifier}`);
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
