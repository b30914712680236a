import { execFile } from "node:child_process";
import { DaemonError, EXIT } from "./daemon-error.ts";

/** The first descriptor that systemd passes (sd_listen_fds(3)). */
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
      `systemd passes ${listenFds} sockets; smf-spf.socket must have one`,
    );
  }
  return FIRST_DESCRIPTOR;
}

/**
 * Tells the service manager that the daemon listens. Node has no Unix datagram sockets, so systemd-notify(1) does
 * it, which is part of systemd; the unit needs NotifyAccess=all. The PID goes along, since a process that was root
 * may have started this one and be about to end.
 *
 * @returns the words of a failure, or undefined
 */
export function notifyReady(
  env: NodeJS.ProcessEnv,
  { status, command = "systemd-notify" }: { readonly status: string; readonly command?: string },
): Promise<string | undefined> {
  const { NOTIFY_SOCKET: socket } = env;
  if (socket === undefined || socket === "") return Promise.resolve(undefined);
  return new Promise((resolve) => {
    execFile(
      command,
      ["--ready", `--status=${status}`, `MAINPID=${process.pid}`],
      { env: { PATH: "/usr/bin:/bin", NOTIFY_SOCKET: socket }, cwd: "/", timeout: 10_000 },
      (error) => {
        resolve(
          error === null ? undefined : `cannot tell systemd that the daemon is ready: ${error.message}`,
        );
      },
    );
  });
}
