import { spawn } from "node:child_process";
import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "../../..");

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The program in one file, as it is installed. */
export interface Program {
  readonly file: string;
  readonly run: (
    argv: readonly string[],
    input?: string | Buffer,
    env?: Record<string, string>,
  ) => Promise<Ended>;
}

export async function buildProgram(folder: string): Promise<Program> {
  const file = join(folder, "spfreport.cjs");
  const entryPoints = [join(ROOT, "src/spfreport/main.ts")];
  await build({
    entryPoints,
    outfile: file,
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "error",
  });
  return {
    file,
    run: (argv, input = "", env = {}) => {
      const child = spawn(process.execPath, [file, ...argv], {
        env: { ...process.env, LC_ALL: "C.UTF-8", ...env },
      });
      let out = "";
      let err = "";
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
      child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")));
      child.stdin.on("error", () => {
        // It has ended before it has read all.
      });
      child.stdin.end(input);
      return new Promise((resolve) => {
        child.on("close", (code) => {
          resolve({ code, out, err });
        });
      });
    },
  };
}
