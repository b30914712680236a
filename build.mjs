/**
 * Bundles each program into one file that runs with node alone: dist/smf-spf.js, dist/spfquery.js,
 * dist/spfreport.js. Besides them the parts that smf-spf loads only where their option is set, dist/shared-cache.cjs for
 * SharedCache and dist/status.cjs for StatusSocket; a dist/package.json that says they are CommonJS, whatever the
 * directory above says; dist/LICENSES, the licences of the packages inside; and dist/completions, what the shells know of
 * the programs' options.
 *
 *     node build.mjs [DIRECTORY]
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { build } from "esbuild";
import { tsImport } from "tsx/esm/api";

const outdir = process.argv[2] ?? "dist";
mkdirSync(outdir, { recursive: true });
writeFileSync(`${outdir}/package.json`, `${JSON.stringify({ type: "commonjs" })}\n`);

const { buildPage } = await tsImport("./src/status/build-page.ts", import.meta.url);
const { inputs: pageInputs, ...page } = await buildPage();

const common = {
  metafile: true,
  absWorkingDir: import.meta.dirname,
  outdir,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  legalComments: "inline",
  logLevel: "warning",
};
const { metafile } = await build({
  ...common,
  entryPoints: {
    "smf-spf": "src/smf-spf/main.ts",
    spfquery: "src/spfquery/main.ts",
    spfreport: "src/spfreport/main.ts",
  },
  banner: { js: "#!/usr/bin/env node" },
  // Of package.json only the version is wanted in the programs.
  plugins: [versionOnly(), partsFromTheirFiles()],
});
const parts = await build({
  ...common,
  entryPoints: { "shared-cache": "src/shared-cache/valkey.ts", status: "src/status/index.ts" },
  // They may lie in a directory without a package.json.
  outExtension: { ".js": ".cjs" },
  plugins: [finishedPage()],
});

writeFileSync(
  `${outdir}/LICENSES`,
  licences([metafile, parts.metafile].flatMap(({ inputs }) => Object.keys(inputs)).concat(pageInputs)),
);

const { completionFiles } = await tsImport("./src/completions/completions.ts", import.meta.url);
for (const { path, text } of completionFiles()) {
  mkdirSync(dirname(`${outdir}/completions/${path}`), { recursive: true });
  writeFileSync(`${outdir}/completions/${path}`, text);
}

/** The licence texts of all packages that files were bundled from; a package without one ends the build. */
function licences(files) {
  const folders = new Set(files.flatMap((file) => file.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []));
  return [...folders]
    .sort()
    .map((folder) => {
      const name = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      const { name: id, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
      if (name === undefined) throw new Error(`no licence text in ${folder}`);
      return `${id} ${version}\n\n${readFileSync(`${folder}/${name}`, "utf8").trim()}\n`;
    })
    .join(`\n${"-".repeat(72)}\n\n`);
}

function versionOnly() {
  return {
    name: "version-only",
    setup({ onLoad }) {
      onLoad({ filter: /[/\\]package\.json$/ }, async ({ path }) => {
        const { default: manifest } = await import(path, { with: { type: "json" } });
        const { name, version } = manifest;
        return { contents: JSON.stringify({ name, version }), loader: "json" };
      });
    },
  };
}

/** Parts are files of their own, loaded by their paths. */
function partsFromTheirFiles() {
  return {
    name: "parts-from-their-files",
    setup({ onLoad }) {
      onLoad({ filter: /[/\\]smf-spf[/\\]part-sources\.ts$/ }, () => ({
        contents:
          "export const importPart = (_name, file) => Promise.resolve(require(file)); export const areBuilt = true;",
        loader: "js",
      }));
    },
  };
}

/** The status page as it is served, in the place of the code that makes it. */
function finishedPage() {
  return {
    name: "finished-page",
    setup({ onLoad }) {
      onLoad({ filter: /[/\\]status[/\\]build-page\.ts$/ }, () => ({
        contents: `const page = ${JSON.stringify(page)}; export const buildPage = () => Promise.resolve(page);`,
        loader: "js",
      }));
    },
  };
}
