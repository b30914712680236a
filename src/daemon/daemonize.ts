import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Account } from "./accounts.ts";
import { DaemonError, EXIT } from "./daemon-error.ts";
import { type Handover, handoverVariable, takeHandover } from "./handover.ts";

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
  /** The daemon is this user from its first instruction on, and gets what only root can open. */
  readonly unprivileged?: {
    readonly account: Account;
    /** The descriptor of a socket that listens. */
    readonly socketFd: number;
    readonly fromSystemd: boolean;
    readonly logFd: number | undefined;
  };
  /** Called with the new process's PID while it starts; what it throws ends the start. */
  readonly onSpawn?: (pid: number) => void;
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
  const { unprivileged, keepStdout, keepStderr } = start;
  const node = [process.execPath, ...start.execArgv, start.script, ...start.args];
  const [program = "", ...args] =
    unprivileged === undefined ? node : [...become(unprivileged.account), ...node];
  const stdio: StdioOptions = [
    "ignore",
    keepStdout ? "inherit" : "ignore",
    keepStderr ? "inherit" : "ignore",
    "ipc",
  ];
  let env: NodeJS.ProcessEnv = { ...start.env, [MARK]: "1" };
  if (unprivileged !== undefined) {
    const { socketFd, fromSystemd, logFd } = unprivileged;
    stdio.push(socketFd);
    if (logFd !== undefined) stdio.push(logFd);
    env = { ...env, ...handoverVariable({ fromSystemd, hasLog: logFd !== undefined }) };
  }
  const child = spawn(program, args, { detached: true, env, stdio });
  const report = reportOf(child);
  try {
    if (child.pid !== undefined) start.onSpawn?.(child.pid);
  } catch (error) {
    child.kill("SIGKILL");
    await report;
    throw error;
  }
  const outcome = await report;
  if (child.connected) child.disconnect();
  child.unref();
  return outcome;
}

/** The command that becomes a user for good, groups too, and then runs the rest of its arguments. */
function become({ uid, gid }: Account): string[] {
  const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => existsSync(path));
  if (setpriv === undefined) {
    throw new DaemonError(
      EXIT.osError,
      "this Node cannot give up root, and setpriv(1) of util-linux is missing",
    );
  }
  return [setpriv, `--reuid=${uid}`, `--regid=${gid}`, "--init-groups", "--inh-caps=-all", "--"];
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
  /** What the starting process opened for this one, which was never root. */
  readonly handover: Handover | undefined;
  ready(): Promise<void>;
  failed(exitCode: number, message: string): Promise<void>;
}

/** Finds out whether this process was started by {@link startInBackground}. Call it once. */
export function findStarter(): Starter {
  const isBackground = process.env[MARK] === "1" && process.send !== undefined;
  Reflect.deleteProperty(process.env, MARK);
  const handover = takeHandover(process.env);
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
    handover: isBackground ? handover : undefined,
    ready: () => tell({ kind: "ready" }),
    failed: (exitCode, message) => tell({ kind: "failed", exitCode, message }),
  };
}
