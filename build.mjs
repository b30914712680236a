/**
 * Bundles each program into one file that runs with node alone: dist/smf-spf.js, dist/spfquery.js, and a
 * dist/package.json that says they are CommonJS, whatever the folder above says.
 *
 *     node build.mjs [FOLDER]
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const outdir = process.argv[2] ?? "dist";
mkdirSync(outdir, { recursive: true });
writeFileSync(`${outdir}/package.json`, `${JSON.stringify({ type: "commonjs" })}\n`);

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: { "smf-spf": "src/main.ts", spfquery: "src/spfquery.ts" },
  outdir,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  banner: { js: "#!/usr/bin/env node" },
  // Of package.json only the version is wanted in the programs.
  plugins: [versionOnly()],
  legalComments: "inline",
  logLevel: "warning",
});

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
