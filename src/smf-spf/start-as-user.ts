/** The start as root where this Node does not let root be given up. */
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
  findUser,
  type Listen,
  removePidFile,
  type StartOutcome,
  startInBackground,
  writePidFile,
} from "../process/index.ts";
import { prepareFolders, socketAccess } from "./prepare-start.ts";

/** Connections that may wait until the daemon has taken over; it asks for its own length then. */
const BACKLOG = 1024;

/** A start in the background of a daemon with these settings. */
export interface UnprivilegedStart extends Omit<BackgroundStart, "unprivileged"> {
  readonly settings: Settings;
  /** The socket that systemd has bound. */
  readonly systemdSocket: number | undefined;
  readonly warn: (text: string) => void;
}

/**
 * This process does what needs root: the folders, the socket, the log file, the PID file. Another one, which is User
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
      `there is no user "${settings.user}" on this system; make it, or name another`,
    );
  const ownsSocket = systemdSocket === undefined;
  prepareFolders(settings, account, { ownsSocket, needsPidFile: true }).forEach(warn);
  const logFd = openLog(settings, account);
  const server = createServer();
  let bound: BoundSocket | undefined;
  let daemon = 0;
  const takeBack = (): void => {
    bound?.remove();
    removePidFile(settings.pidFile, daemon);
  };
  try {
    if (ownsSocket)
      bound = await bindSocket(listenWith(server), settings.socket, socketAccess(settings, account));
    const outcome = await startInBackground({
      ...start,
      unprivileged: {
        account,
        socketFd: systemdSocket ?? descriptorOf(server),
        fromSystemd: !ownsSocket,
        logFd,
        // It has the socket now; here nobody shall be served.
        onSpawn: () => server.close(),
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

function openLog({ logTo }: Settings, account: Account): number | undefined {
  if (logTo === undefined || logTo === "/dev/stdout" || logTo === "/dev/stderr") return undefined;
  try {
    return openLogFile(logTo, account);
  } catch (error) {
    throw new DaemonError(EXIT.cannotCreate, error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
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
