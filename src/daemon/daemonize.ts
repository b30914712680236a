import { type ChildProcess, spawn } from "node:child_process";
import { EXIT } from "./daemon-error.ts";

/** Set for the process that is to become the daemon; it holds no secret and means nothing without the channel. */
const MARK = "SMF_SPF_DAEMONIZED";

/** What the daemon tells the process that started it. */
type StartReport =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly exitCode: number; readonly message: string };

/** How a daemon is started in the background. */
export interface BackgroundStart {
  /** The program and its arguments; Node's own come from `execArgv`. */
  readonly script: string;
  readonly args: readonly string[];
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Standard streams that the daemon shall keep, because LogTo names them. */
  readonly keepStdout: boolean;
  readonly keepStderr: boolean;
}

/** How a start in the background ended. */
export interface StartOutcome {
  readonly exitCode: number;
  /** For standard error; empty where all is well. */
  readonly message: string;
}

/**
 * Node cannot fork, so the program is run again, in a session of its own and without the terminal. Resolves when
 * the new process says that it listens, or with its error and exit code.
 */
export async function startInBackground(start: BackgroundStart): Promise<StartOutcome> {
  const child = spawn(process.execPath, [...start.execArgv, start.script, ...start.args], {
    detached: true,
    env: { ...start.env, [MARK]: "1" },
    stdio: [
      "ignore",
      start.keepStdout ? "inherit" : "ignore",
      start.keepStderr ? "inherit" : "ignore",
      "ipc",
    ],
  });
  const outcome = await reportOf(child);
  if (child.connected) child.disconnect();
  child.unref();
  return outcome;
}

function reportOf(child: ChildProcess): Promise<StartOutcome> {
  return new Promise((resolve) => {
    child.once("message", (message) => {
      const report = message as StartReport;
      resolve(
        report.kind === "ready"
          ? { exitCode: EXIT.ok, message: "" }
          : { exitCode: report.exitCode, message: report.message },
      );
    });
    child.once("error", (error) => {
      resolve({ exitCode: EXIT.osError, message: `cannot start the daemon: ${error.message}` });
    });
    child.once("exit", (code, signal) => {
      const how = signal === null ? `with status ${code ?? 0}` : `by ${signal}`;
      const exitCode = code === null || code === 0 ? EXIT.software : code;
      resolve({ exitCode, message: `the daemon ended ${how} before it was ready` });
    });
  });
}

/** The daemon's side of {@link startInBackground}; in the foreground nobody listens, and it does nothing. */
export interface Starter {
  readonly isBackground: boolean;
  ready(): Promise<void>;
  failed(exitCode: number, message: string): Promise<void>;
}

/** Finds out whether this process was started by {@link startInBackground}. Call it once. */
export function findStarter(): Starter {
  const isBackground = process.env[MARK] === "1" && process.send !== undefined;
  Reflect.deleteProperty(process.env, MARK);
  const tell = (report: StartReport): Promise<void> =>
    new Promise((resolve) => {
      if (!isBackground || process.send === undefined || !process.connected) {
        resolve();
        return;
      }
      process.send(report, undefined, undefined, () => {
        if (process.connected) process.disconnect();
        resolve();
      });
    });
  return {
    isBackground,
    ready: () => tell({ kind: "ready" }),
    failed: (exitCode, message) => tell({ kind: "failed", exitCode, message }),
  };
}
