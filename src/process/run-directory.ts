import { lchownSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DaemonError, systemCode, systemReason } from "./errors.ts";
import { type Account, isRoot } from "./privileges.ts";

const STICKY = 0o1000;
const WORLD_WRITABLE = 0o002;

/** A file of the daemon's whose directory is to be made ready. */
export interface RunFile {
  /** The option, for messages: `Socket`, `PidFile`. */
  readonly option: string;
  readonly path: string;
  /** What a directory that cannot be used ends with. */
  readonly exitCode: number;
}

/**
 * Makes the directory of a socket or PID file where it is missing (/var/run may be empty after a boot) and gives it
 * to User, who removes the file later. So it does with a directory of root's in which there is nothing yet, which
 * systemd or a package may have made. Any other directory keeps its owner.
 *
 * @returns warnings for the log
 * @throws DaemonError where the directory is missing and cannot be made, or anyone may write to it
 */
export function prepareRunDirectory(file: RunFile, account: Account | undefined): string[] {
  const directory = dirname(file.path);
  const name = `${file.option} ${file.path}`;
  try {
    makeDirectory(directory);
  } catch (error) {
    if (systemCode(error) !== "EEXIST") {
      const above = dirname(directory);
      const reason = systemCode(error) === "ENOENT" ? `${above} does not exist either` : systemReason(error);
      const hint = isRoot() ? "" : `; start smf-spf as root, or set ${file.option}`;
      throw new DaemonError(
        file.exitCode,
        `${name}: the directory ${directory} does not exist and cannot be made: ${reason}${hint}`,
        { cause: error },
      );
    }
  }
  const stat = statSync(directory);
  if (!stat.isDirectory()) throw new DaemonError(file.exitCode, `${name}: ${directory} is not a directory`);
  if ((stat.mode & WORLD_WRITABLE) !== 0) {
    if ((stat.mode & STICKY) !== 0) {
      return [`${name}: ${directory} is world-writable; use a directory owned by the daemon`];
    }
    throw new DaemonError(
      file.exitCode,
      `${name}: ${directory} is world-writable, so anyone could replace the file; ` +
        `remove that permission (chmod o-w ${directory})`,
    );
  }
  if (account === undefined || !isRoot() || stat.uid === account.uid) return [];
  if (stat.uid === 0 && readdirSync(directory).length === 0) {
    lchownSync(directory, account.uid, account.gid);
    return [];
  }
  return [
    `${name}: ${directory} does not belong to User ${account.name}, so the file cannot be removed at the end`,
  ];
}

/** The MTA has to get to the socket in there, whatever the umask. */
function makeDirectory(directory: string): void {
  const umask = process.umask(0o022);
  try {
    mkdirSync(directory, { mode: 0o755 });
  } finally {
    process.umask(umask);
  }
}
