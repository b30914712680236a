import { lchownSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Account } from "./accounts.ts";
import { DaemonError, systemCode, systemReason } from "./daemon-error.ts";
import { isRoot } from "./privileges.ts";

const STICKY = 0o1000;
const WORLD_WRITABLE = 0o002;

/** A file of the daemon's whose folder is to be made ready. */
export interface RunFile {
  /** The option, for messages: `Socket`, `PidFile`. */
  readonly option: string;
  readonly path: string;
  /** What a folder that cannot be used ends with. */
  readonly exitCode: number;
}

/**
 * Makes the folder of a socket or PID file where it is missing (/var/run may be empty after a boot) and gives it
 * to User, who removes the file later. So it does with a folder of root's in which there is nothing yet, which
 * systemd or a package may have made. Any other folder keeps its owner.
 *
 * @returns warnings for the log
 * @throws DaemonError where the folder is missing and cannot be made, or anyone may write to it
 */
export function prepareRunDirectory(file: RunFile, account: Account | undefined): string[] {
  const folder = dirname(file.path);
  const name = `${file.option} ${file.path}`;
  try {
    makeFolder(folder);
  } catch (error) {
    if (systemCode(error) !== "EEXIST") {
      const above = dirname(folder);
      const reason = systemCode(error) === "ENOENT" ? `${above} does not exist either` : systemReason(error);
      const hint = isRoot() ? "" : `; start smf-spf as root, or set ${file.option}`;
      throw new DaemonError(
        file.exitCode,
        `${name}: the folder ${folder} does not exist and cannot be made: ${reason}${hint}`,
        { cause: error },
      );
    }
  }
  const stat = statSync(folder);
  if (!stat.isDirectory()) throw new DaemonError(file.exitCode, `${name}: ${folder} is no folder`);
  if ((stat.mode & WORLD_WRITABLE) !== 0) {
    if ((stat.mode & STICKY) !== 0) {
      return [`${name}: anyone may make files in ${folder}; a folder of the daemon's own is safer`];
    }
    throw new DaemonError(
      file.exitCode,
      `${name}: anyone may write to the folder ${folder} and put another file in its place; ` +
        `take that right away (chmod o-w ${folder})`,
    );
  }
  if (account === undefined || !isRoot() || stat.uid === account.uid) return [];
  if (stat.uid === 0 && readdirSync(folder).length === 0) {
    lchownSync(folder, account.uid, account.gid);
    return [];
  }
  return [
    `${name}: ${folder} does not belong to User ${account.name}, so the file cannot be removed at the end`,
  ];
}

/** The MTA has to get to the socket in there, whatever the umask. */
function makeFolder(folder: string): void {
  const umask = process.umask(0o022);
  try {
    mkdirSync(folder, { mode: 0o755 });
  } finally {
    process.umask(umask);
  }
}
