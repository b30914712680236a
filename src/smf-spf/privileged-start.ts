/** What only root can do at a start, for this process or for one that never was root. */
import { closeSync } from "node:fs";
import { createServer, type Server } from "node:net";
import type { Settings } from "../config/index.ts";
import { openLogFile } from "../logging/index.ts";
import {
  type Account,
  type BackgroundStart,
  type BoundSocket,
  bindSocket,
  DaemonError,
  EXIT,
  findGroup,
  findUser,
  type Listen,
  prepareRunDirectory,
  removePidFile,
  type SocketAccess,
  type StartOutcome,
  startInBackground,
  writePidFile,
} from "../process/index.ts";

/** Connections that may wait until the daemon has taken over; it asks for its own length then. */
const BACKLOG = 1024;

/**
 * Makes the directories of socket and PID file ready.
 *
 * @returns warnings for the log
 * @throws DaemonError where the daemon could not work there
 */
export function prepareDirectories(
  { socket, statusSocket, pidFile, cacheFile }: Settings,
  account: Account | undefined,
  { ownsSocket, needsPidFile }: { readonly ownsSocket: boolean; readonly needsPidFile: boolean },
): string[] {
  const warnings: string[] = [];
  if (ownsSocket && socket.kind === "unix") {
    const file = { option: "Socket", path: socket.path, exitCode: EXIT.unavailable };
    warnings.push(...prepareRunDirectory(file, account));
  }
  if (statusSocket?.kind === "unix") {
    const file = { option: "StatusSocket", path: statusSocket.path, exitCode: EXIT.unavailable };
    warnings.push(...prepareRunDirectory(file, account));
  }
  try {
    const file = { option: "PidFile", path: pidFile, exitCode: EXIT.cannotCreate };
    warnings.push(...prepareRunDirectory(file, account));
  } catch (error) {
    if (needsPidFile || !(error instanceof DaemonError)) throw error;
    warnings.push(error.message);
  }
  if (cacheFile === undefined) return warnings;
  try {
    const file = { option: "CacheFile", path: cacheFile, exitCode: EXIT.cannotCreate };
    warnings.push(...prepareRunDirectory(file, account));
  } catch (error) {
    // Mail is served without it.
    if (!(error instanceof DaemonError)) throw error;
    warnings.push(error.message);
  }
  return warnings;
}

/** Who may use the socket. */
export function socketAccess(settings: Settings, account: Account | undefined): SocketAccess {
  const { socketMode, socketGroup } = settings;
  return {
    mode: socketMode,
    account,
    gid: socketGroup === undefined ? undefined : findGroup(socketGroup),
  };
}

/** Who may use the socket of the status page. */
export function statusAccess(settings: Settings, account: Account | undefined): SocketAccess {
  const { statusSocketMode, statusSocketGroup } = settings;
  return {
    option: "StatusSocket",
    mode: statusSocketMode,
    account,
    gid: statusSocketGroup === undefined ? undefined : findGroup(statusSocketGroup),
  };
}

/** A start in the background of a daemon with these settings. */
export interface UnprivilegedStart extends Omit<BackgroundStart, "unprivileged"> {
  readonly settings: Settings;
  /** The socket that systemd has bound. */
  readonly systemdSocket: number | undefined;
  readonly warn: (text: string) => void;
}

/**
 * This process does what needs root: the directories, the socket, the log file, the PID file. Another one, which is User
 * from its first instruction on, gets them and becomes the daemon. Then this one is to end.
 *
 * @throws DaemonError where something of that cannot be done
 */
export async function startAsUser(start: UnprivilegedStart): Promise<StartOutcome> {
  const { settings, systemdSocket, script, warn } = start;
  const account = findUser(settings.user);
  if (account === undefined)
    throw new DaemonError(
      EXIT.config,
      `there is no user "${settings.user}" on this system; create it, or name another`,
    );
  const ownsSocket = systemdSocket === undefined;
  prepareDirectories(settings, account, { ownsSocket, needsPidFile: true }).forEach(warn);
  const logFd = openLog(settings, account);
  const server = createServer();
  const statusServer = createServer();
  let bound: BoundSocket | undefined;
  let statusBound: BoundSocket | undefined;
  let daemon = 0;
  const takeBack = (): void => {
    bound?.remove();
    statusBound?.remove();
    removePidFile(settings.pidFile, daemon);
  };
  try {
    if (ownsSocket)
      bound = await bindSocket(listenWith(server), settings.socket, socketAccess(settings, account));
    if (settings.statusSocket !== undefined) {
      const access = statusAccess(settings, account);
      statusBound = await bindSocket(listenWith(statusServer), settings.statusSocket, access);
    }
    const outcome = await startInBackground({
      ...start,
      unprivileged: {
        account,
        socketFd: systemdSocket ?? descriptorOf(server),
        fromSystemd: !ownsSocket,
        logFd,
        statusFd: statusBound === undefined ? undefined : descriptorOf(statusServer),
        // It has the sockets now; this process must serve nobody.
        onSpawn: () => {
          server.close();
          if (statusBound !== undefined) statusServer.close();
        },
        onStarted: (pid) => {
          daemon = pid;
          writePidFile(settings.pidFile, account, script, pid);
        },
      },
    });
    if (outcome.exitCode !== EXIT.ok) takeBack();
    return outcome;
  } catch (error) {
    takeBack();
    throw error;
  } finally {
    if (logFd !== undefined) closeSync(logFd);
  }
}

/** Node tells it nowhere else, and takes only connections, not servers, as streams of a child. */
function descriptorOf(server: Server): number {
  const { _handle: handle } = server as Server & { readonly _handle?: { readonly fd?: number } };
  if (handle?.fd === undefined || handle.fd < 0) throw new Error("the socket has no descriptor");
  return handle.fd;
}

/** The file of LogTo, where it is one; a standard stream is inherited. */
function openLog({ logTo }: Settings, account: Account): number | undefined {
  return logTo === undefined || logTo === "/dev/stdout" || logTo === "/dev/stderr"
    ? undefined
    : openLogFile(logTo, account);
}

function listenWith(server: Server): Listen {
  return (options) =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ ...options, backlog: BACKLOG }, () => {
        server.off("error", reject);
        resolve();
      });
    });
}
