import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonError, type Listen } from "../../../src/process/index.ts";

export { ended as outputOf, exitOf, killed, lives, until } from "../../support/child-process.ts";

/** Why tests that need root are left out. */
export const NEEDS_ROOT = process.getuid?.() !== 0 && "needs root";

/** A folder for one test, removed after it. */
export async function withFolder(use: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "smf-spf-daemon-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** For assert.throws and assert.rejects: the exit code and what the message says. */
export function daemonError(exitCode: number, message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof DaemonError && error.exitCode === exitCode && message.test(error.message)
      ? true
      : (() => {
          throw new Error(`expected ${exitCode} ${message.source}, got ${String(error)}`);
        })();
}

/** A bare server and its {@link Listen}. */
export function bareServer(): { readonly server: Server; readonly listen: Listen } {
  const server = createServer((socket) => {
    socket.destroy();
  });
  const listen: Listen = (options) =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(options, () => {
        server.off("error", reject);
        resolve();
      });
    });
  return { server, listen };
}

/** Closes a server and waits for it. */
export function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}

/** Leaves a socket file behind that nobody listens on. */
export function leaveStaleSocket(path: string): void {
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  try {
    execFileSync(process.execPath, ["-e", script], { stdio: "ignore" });
  } catch {
    // It killed itself, as it was to.
  }
}

/** Runs a module of the tests through tsx, with an IPC channel. */
export function runScript(script: string, args: readonly string[], env = process.env): ChildProcess {
  return spawn(process.execPath, ["--import", "tsx", script, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env,
  });
}

/** A process id that is nobody's. */
export function deadPid(): number {
  return Number(execFileSync("/bin/sh", ["-c", "echo $$"], { encoding: "latin1" }));
}
