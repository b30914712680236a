import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { DaemonError, EXIT } from "./errors.ts";
import { type Account, hasEntry } from "./privileges.ts";
import { interceptStops, SIGNAL_EXIT } from "./signals.ts";

/** Set for the process that is to become the daemon; it holds no secret and means nothing without the channel. */
const MARK = "SMF_SPF_DAEMONIZED";

/** What the daemon tells the process that started it. */
type StartReport =
  /** Sent at once by a daemon that is not a child of the starting process. */
  | { readonly kind: "started"; readonly pid: number }
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly exitCode: number; readonly message: string };

/** How a daemon is started in the background. */
export interface BackgroundStart {
  /** The program and its arguments; Node's own come from `execArgv`. */
  readonly script: string;
  readonly args: readonly string[];
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Standard streams that the daemon keeps, because LogTo names them. */
  readonly keepStdout: boolean;
  readonly keepStderr: boolean;
  /** The daemon is this user from its first instruction on, and gets what only root can open. */
  readonly unprivileged?: {
    readonly account: Account;
    /** The descriptor of a socket that listens. */
    readonly socketFd: number;
    readonly fromSystemd: boolean;
    readonly logFd: number | undefined;
    /** The socket of StatusSocket. */
    readonly statusFd: number | undefined;
    /** Called when the daemon has the socket. */
    readonly onSpawn: () => void;
    /** Called with the daemon's PID before it is ready; what it throws ends the start. */
    readonly onStarted: (pid: number) => void;
  };
}

/** How a start in the background ended. */
export interface StartOutcome {
  readonly exitCode: number;
  /** For standard error; empty where all is well. */
  readonly message: string;
  /** The daemon's, where it is ready. */
  readonly pid?: number | undefined;
}

/** How long a daemon may take to end after its start was stopped, and how often that is looked at. */
const STOP_MS_MAX = 15_000;
const STOP_LOOK_MS = 20;

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
  let env: NodeJS.ProcessEnv = { ...ownEnvironment(start.env), [MARK]: "1" };
  if (unprivileged !== undefined) {
    const { socketFd, fromSystemd, logFd, statusFd } = unprivileged;
    stdio.push(socketFd);
    if (logFd !== undefined) stdio.push(logFd);
    if (statusFd !== undefined) stdio.push(statusFd);
    env = {
      ...env,
      ...handoverVariable({ fromSystemd, hasLog: logFd !== undefined, hasStatus: statusFd !== undefined }),
    };
  }
  // Under the name that this process was called by: FreeBSD's rc.subr compares it with the script's first line.
  const argv0 = unprivileged === undefined ? process.argv0 : program;
  const child = spawn(program, args, { argv0, detached: true, env, stdio });
  let pid = unprivileged === undefined ? child.pid : undefined;
  const report = reportOf(
    child,
    unprivileged &&
      ((daemon) => {
        pid = daemon;
        unprivileged.onStarted(daemon);
      }),
  );
  unprivileged?.onSpawn();
  let endIntercepting: () => void = () => undefined;
  const stopped = new Promise<StartOutcome & { readonly isStopped: true }>((resolve) => {
    endIntercepting = interceptStops((signal) => {
      resolve({
        isStopped: true,
        exitCode: SIGNAL_EXIT[signal],
        message: `${signal}: the start was stopped`,
      });
    });
  });
  try {
    const told = report.then((outcome) => ({ ...outcome, isStopped: false, pid }));
    const { isStopped, ...outcome } = await Promise.race([stopped, told]);
    if (isStopped && pid !== undefined) await stopDaemon(pid);
    return outcome;
  } finally {
    endIntercepting();
    // A daemon that was never root ends when it is left alone before it is ready.
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** Ends a daemon that may be about to be ready, and waits until it has taken its files with it. */
async function stopDaemon(pid: number): Promise<void> {
  const signal = (name: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(pid, name);
    } catch {
      return false;
    }
  };
  signal("SIGTERM");
  for (let waitedMs = 0; waitedMs < STOP_MS_MAX && signal(0); waitedMs += STOP_LOOK_MS) {
    await delay(STOP_LOOK_MS);
  }
  signal("SIGKILL");
}

/** What a daemon reads of its environment; the rest belongs to the process that started it. */
const OWN_VARIABLES =
  /^(?:PATH|TZ|LANG|LC_[A-Z]+|SPFBEHAVIOR|NODE_(?:OPTIONS|EXTRA_CA_CERTS)|SSL_CERT_(?:FILE|DIR)|NOTIFY_SOCKET|JOURNAL_STREAM)$/;

/** The part of the environment that a daemon is given. */
export function ownEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => OWN_VARIABLES.test(name)));
}

/**
 * The command that becomes a user for good, groups too, and then runs the rest of its arguments. Between them is a
 * shell that ends at once: systemd waits for the end of its own children only, and would kill others unasked.
 */
function become(account: Account): string[] {
  const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => existsSync(path));
  if (setpriv === undefined) {
    throw new DaemonError(
      EXIT.osError,
      "this Node cannot drop root privileges, and setpriv(1) of util-linux is missing",
    );
  }
  const inBackground = ["/bin/sh", "-c", '"$@" &', "sh"];
  return [
    ...inBackground,
    setpriv,
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    hasEntry(account) ? "--init-groups" : "--clear-groups",
    "--inh-caps=-all",
    "--",
  ];
}

function reportOf(
  child: ChildProcess,
  onStarted: ((pid: number) => void) | undefined,
): Promise<StartOutcome> {
  return new Promise((resolve, reject) => {
    child.on("message", (message) => {
      const report = message as StartReport;
      switch (report.kind) {
        case "started":
          try {
            onStarted?.(report.pid);
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
          break;
        case "ready":
          resolve({ exitCode: EXIT.ok, message: "" });
          break;
        case "failed":
          resolve({ exitCode: report.exitCode, message: report.message });
          break;
      }
    });
    child.once("error", (error) => {
      resolve({ exitCode: EXIT.osError, message: `cannot start the daemon: ${error.message}` });
    });
    child.once("exit", (code, signal) => {
      // That was the shell, and the daemon goes on.
      if (onStarted !== undefined && code === 0) return;
      const how = signal === null ? `with status ${code ?? 0}` : `by ${signal}`;
      const exitCode = code === null || code === 0 ? EXIT.software : code;
      resolve({ exitCode, message: `the daemon ended ${how} before it was ready` });
    });
    if (onStarted !== undefined) {
      child.once("disconnect", () => {
        resolve({ exitCode: EXIT.software, message: "the daemon ended before it was ready" });
      });
    }
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
  const send = (report: StartReport): Promise<void> =>
    new Promise((resolve) => {
      if (!isBackground || process.send === undefined || !process.connected) {
        resolve();
        return;
      }
      process.send(report, undefined, undefined, () => {
        resolve();
      });
    });
  const abandoned = (): void => {
    process.exit(EXIT.software);
  };
  const tell = async (report: StartReport): Promise<void> => {
    process.off("disconnect", abandoned);
    await send(report);
    if (isBackground && process.connected) process.disconnect();
  };
  if (isBackground && handover !== undefined) {
    process.once("disconnect", abandoned);
    void send({ kind: "started", pid: process.pid });
  }
  return {
    isBackground,
    handover: isBackground ? handover : undefined,
    ready: () => tell({ kind: "ready" }),
    failed: (exitCode, message) => tell({ kind: "failed", exitCode, message }),
  };
}

/** Open files that the starting process hands to the daemon, at descriptors that both know. */
const SOCKET_FD = 4;
const LOG_FD = 5;

const VARIABLE = "SMF_SPF_HANDOVER";

/** What a daemon gets that was never root itself. */
export interface Handover {
  /** A socket that is bound and listens. */
  readonly socketFd: number;
  /** Whether systemd has bound it, whose file is not ours to remove. */
  readonly fromSystemd: boolean;
  /** The open file of LogTo; undefined where there is none, or it is a standard stream. */
  readonly logFd: number | undefined;
  /** The socket of StatusSocket; undefined where there is none. */
  readonly statusFd: number | undefined;
}

/** The words for the daemon's environment; the socket goes to descriptor 4, then come log and status socket. */
export function handoverVariable({
  fromSystemd,
  hasLog,
  hasStatus = false,
}: {
  readonly fromSystemd: boolean;
  readonly hasLog: boolean;
  readonly hasStatus?: boolean;
}): NodeJS.ProcessEnv {
  return {
    [VARIABLE]: `${fromSystemd ? "systemd" : "own"}${hasLog ? ",log" : ""}${hasStatus ? ",status" : ""}`,
  };
}

/** Reads those words, and takes them out of the environment. */
export function takeHandover(env: NodeJS.ProcessEnv): Handover | undefined {
  const words = env[VARIABLE]?.split(",");
  Reflect.deleteProperty(env, VARIABLE);
  if (words === undefined) return undefined;
  return {
    socketFd: SOCKET_FD,
    fromSystemd: words[0] === "systemd",
    logFd: words.includes("log") ? LOG_FD : undefined,
    statusFd: words.includes("status") ? (words.includes("log") ? LOG_FD + 1 : LOG_FD) : undefined,
  };
}
