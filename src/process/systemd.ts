import { execFile } from "node:child_process";
import { DaemonError, EXIT } from "./errors.ts";

/** The first descriptor that systemd passed (sd_listen_fds(3)). */
const FIRST_DESCRIPTOR = 3;

/**
 * The listening socket that systemd has bound for us, or undefined.
 *
 * @throws DaemonError with EX_UNAVAILABLE where it passes more than one
 */
export function inheritedSocket(env: NodeJS.ProcessEnv, pid: number): number | undefined {
  const { LISTEN_PID: listenPid, LISTEN_FDS: listenFds } = env;
  if (listenPid === undefined || Number(listenPid) !== pid || listenFds === undefined) return undefined;
  if (listenFds !== "1") {
    throw new DaemonError(
      EXIT.unavailable,
      `systemd passed ${listenFds} sockets; smf-spf.socket must define exactly one`,
    );
  }
  return FIRST_DESCRIPTOR;
}

/** Another program for systemd-notify(1). */
interface NotifyCommand {
  readonly command?: string;
}

/**
 * Tells the service manager that the daemon listens. The PID goes along, since a process that was root may have
 * started this one and be about to end.
 *
 * @returns the words of a failure, or undefined
 */
export function notifyReady(
  env: NodeJS.ProcessEnv,
  { status, command }: NotifyCommand & { readonly status: string },
): Promise<string | undefined> {
  const args = ["--ready", `--status=${status}`, `MAINPID=${process.pid}`];
  return notify(env, "is ready", args, command);
}

/**
 * Tells the service manager that the daemon ends, and how many milliseconds it may take: it would be killed at
 * TimeoutStopSec, however long ShutdownTime is.
 *
 * @returns the words of a failure, or undefined
 */
export function notifyStopping(
  env: NodeJS.ProcessEnv,
  { withinMs, command }: NotifyCommand & { readonly withinMs: number },
): Promise<string | undefined> {
  return notify(env, "ends", ["STOPPING=1", `EXTEND_TIMEOUT_USEC=${withinMs * 1000}`], command);
}

/**
 * Node has no Unix datagram sockets, so systemd-notify(1) does it, which is part of systemd; the unit needs
 * NotifyAccess=all.
 */
function notify(
  { NOTIFY_SOCKET: socket }: NodeJS.ProcessEnv,
  what: string,
  args: readonly string[],
  command = "systemd-notify",
): Promise<string | undefined> {
  if (socket === undefined || socket === "") return Promise.resolve(undefined);
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      { env: { PATH: "/usr/bin:/bin", NOTIFY_SOCKET: socket }, cwd: "/", timeout: 10_000 },
      (error, _stdout, stderr) => {
        const [reason] = (stderr.trim() || (error?.message ?? "")).split("\n");
        resolve(error === null ? undefined : `cannot tell systemd that the daemon ${what}: ${reason}`);
      },
    );
  });
}
