/**
 * Packs each workspace for others to use: one ES module with its types, README and licence, as
 * FOLDER/NAME-VERSION.tgz. Inside the house a workspace is its sources, and its package.json says so.
 *
 *     node packages.mjs [FOLDER]
 *
 * PACKAGE_REPOSITORY, such as git+https://git.example.org/smf-spf.git, names the place that they are published from:
 * npm signs their origin (provenance) only with it.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const ROOT = import.meta.dirname;
const out = resolve(process.argv[2] ?? "dist/packages");
const repository = process.env.PACKAGE_REPOSITORY;
const { workspaces } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
mkdirSync(out, { recursive: true });
const work = mkdtempSync(join(tmpdir(), "smf-spf-packages-"));
try {
  for (const workspace of workspaces) await pack(workspace);
} finally {
  rmSync(work, { recursive: true });
}

async function pack(workspace) {
  const { private: _, ...manifest } = JSON.parse(readFileSync(join(ROOT, workspace, "package.json"), "utf8"));
  const folder = join(work, manifest.name);
  const entry = join(ROOT, workspace, "index.ts");
  await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile: join(folder, "index.js"),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    logLevel: "warning",
  });
  declarations(entry, join(folder, "types"));
  const types = `./types/${workspace.replace(/^src\//, "")}/index.d.ts`;
  const exports = { ".": { types, default: "./index.js" } };
  const published = {
    ...manifest,
    ...(repository && { repository: { type: "git", url: repository, directory: workspace } }),
    exports,
    types,
    files: ["index.js", "types"],
    sideEffects: false,
    publishConfig: { access: "public", provenance: Boolean(repository) },
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(published, undefined, 2)}\n`);
  copyFileSync(join(ROOT, workspace, "README.md"), join(folder, "README.md"));
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", out], {
    cwd: folder,
    encoding: "utf8",
  });
  process.stdout.write(`${join(out, packed.trim())}\n`);
}

/** Types of an entry and of all that it imports; the specifiers name what is there. */
function declarations(entry, folder) {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const options = ["--ignoreConfig", "--declaration", "--emitDeclarationOnly", "--noCheck", "--skipLibCheck"];
  const how = [
    "--target",
    "es2023",
    "--module",
    "nodenext",
    "--types",
    "node",
    "--allowImportingTsExtensions",
  ];
  const where = ["--rootDir", join(ROOT, "src"), "--outDir", folder];
  execFileSync(process.execPath, [tsc, entry, ...options, ...how, ...where], { cwd: ROOT, stdio: "inherit" });
  for (const file of readdirSync(folder, { recursive: true })) {
    if (!file.endsWith(".d.ts")) continue;
    const path = join(folder, file);
    writeFileSync(path, readFileSync(path, "utf8").replace(/(from "\.{1,2}\/[^"]+)\.ts"/g, '$1.js"'));
  }
}
