/** What is made ready before the socket is bound. */
import type { Settings } from "../config/index.ts";
import {
  type Account,
  DaemonError,
  EXIT,
  findGroup,
  prepareRunDirectory,
  type SocketAccess,
} from "../process/index.ts";

/**
 * Makes the folders of socket and PID file ready.
 *
 * @returns warnings for the log
 * @throws DaemonError where the daemon could not work there
 */
export function prepareFolders(
  { socket, pidFile }: Settings,
  account: Account | undefined,
  { ownsSocket, needsPidFile }: { readonly ownsSocket: boolean; readonly needsPidFile: boolean },
): string[] {
  const warnings: string[] = [];
  if (ownsSocket && socket.kind === "unix") {
    const file = { option: "Socket", path: socket.path, exitCode: EXIT.unavailable };
    warnings.push(...prepareRunDirectory(file, account));
  }
  try {
    const file = { option: "PidFile", path: pidFile, exitCode: EXIT.cannotCreate };
    warnings.push(...prepareRunDirectory(file, account));
  } catch (error) {
    if (needsPidFile || !(error instanceof DaemonError)) throw error;
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
