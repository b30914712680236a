/** An installation in a folder, for tests that need no root. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

/** A program that has ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Longer than lintian takes on a slow machine, and shorter than all that a file of tests may take. */
const PROGRAM_MS = 300_000;

/** Runs a program to its end; throws where there is none. */
export function runProgram(
  program: string,
  args: readonly string[],
  { cwd = "/", env = {} }: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Ended {
  const result = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...env },
    timeout: PROGRAM_MS,
  });
  if (result.error !== undefined) throw result.error;
  return { code: result.status, out: result.stdout, err: result.stderr };
}

/** What `make build` makes for the shells, as paths below share. */
export const COMPLETIONS: readonly string[] = ["smf-spf", "spfquery", "spfreport"].flatMap((name) => [
  `bash-completion/completions/${name}`,
  `zsh/site-functions/_${name}`,
  `fish/vendor_completions.d/${name}.fish`,
]);

/** The sources that `make install` takes, with small programs in the place of the built ones, and where they go. */
export class Tree {
  readonly folder = mkdtempSync(join(tmpdir(), "smf-spf-install-"));
  readonly source = join(this.folder, "source");
  readonly destination = join(this.folder, "destination");

  constructor() {
    mkdirSync(join(this.source, "src"), { recursive: true });
    for (const name of [
      "init",
      "etc",
      "share",
      "Makefile",
      "package.json",
      "build.mjs",
      "LICENSE",
      "README.md",
      "README.ja.md",
      "CHANGELOG.md",
      "docs",
      "SECURITY.md",
      "ARCHITECTURE.md",
      "CONTRIBUTING.md",
    ]) {
      cpSync(join(ROOT, name), join(this.source, name), { recursive: true });
    }
    mkdirSync(join(this.source, "dist"));
    this.writeProgram('console.log("smf-spf", process.argv.slice(2).join(" "));');
    for (const path of COMPLETIONS) {
      const file = join(this.source, "dist", "completions", path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, "# a completion\n");
    }
    writeFileSync(join(this.source, "dist", "package.json"), '{"type":"commonjs"}\n');
    for (const part of ["shared-cache.cjs", "status.cjs"]) {
      writeFileSync(join(this.source, "dist", part), "exports.stub = true;\n");
    }
    writeFileSync(join(this.source, "dist", "LICENSES"), "a library\n\nits licence\n");
  }

  /** Puts another text into the programs. */
  writeProgram(text: string): void {
    for (const name of ["smf-spf.js", "spfquery.js", "spfreport.js"]) {
      writeFileSync(join(this.source, "dist", name), `#!/usr/bin/env node\n${text}\n`);
    }
  }

  /** `make TARGET DESTDIR=… NODE=…`; npm is not there. */
  make(target: string, ...variables: string[]): Ended {
    const own = [`DESTDIR=${this.destination}`, `NODE=${process.execPath}`, "NPM=false"];
    return runProgram("make", ["-C", this.source, target, ...own, ...variables], {
      env: { SMF_SPF_TEST: "1" },
    });
  }

  /** The path of an installed file. */
  at(path: string): string {
    return join(this.destination, path);
  }

  /** Every file that is there, without DESTDIR. */
  files(): string[] {
    return readdirSync(this.destination, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.destination.length))
      .sort();
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The pages of docs, as paths below the source tree. */
export const PAGES: readonly string[] = readdirSync(join(ROOT, "docs"), {
  recursive: true,
  withFileTypes: true,
})
  .filter((entry) => entry.isFile())
  .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));

/** The links of the documents in a directory that lead nowhere, as `document: target`. */
export function brokenLinks(directory: string): string[] {
  const documents = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".md"),
  );
  return documents.flatMap((document) =>
    [...readFileSync(join(directory, document), "utf8").matchAll(/\]\((?!https?:)([^)\s#]+)(?:#[^)]*)?\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !existsSync(join(directory, dirname(document), target)))
      .map((target) => `${document}: ${target}`),
  );
}
