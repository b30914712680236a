import { lchownSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Account } from "./accounts.ts";
import { DaemonError, systemCode } from "./daemon-error.ts";
import { isRoot } from "./privileges.ts";

const STICKY = 0o1000;
const WORLD_WRITABLE = 0o002;

/**
 * Makes the folder of a socket or PID file where it is missing (/var/run may be empty after a boot) and gives it
 * to User, who removes the file later. A folder that is there keeps its owner and mode.
 *
 * @param what for the message: `Socket`, `PidFile`
 * @returns warnings for the log
 * @throws DaemonError with the given code where the folder is missing and cannot be made, or anyone may write to it
 */
export function prepareRunDirectory(
  what: string,
  file: string,
  account: Account | undefined,
  exitCode: number,
): string[] {
  const folder = dirname(file);
  try {
    mkdirSync(folder, { mode: 0o755 });
    if (account !== undefined && isRoot()) lchownSync(folder, account.uid, account.gid);
  } catch (error) {
    if (systemCode(error) !== "EEXIST") {
      const reason =
        systemCode(error) === "ENOENT" ? `${dirname(folder)} does not exist either` : messageOf(error);
      throw new DaemonError(
        exitCode,
        `${what} ${file}: the folder ${folder} does not exist and cannot be made: ${reason}`,
        { cause: error },
      );
    }
  }
  return inspect(what, file, folder, account, exitCode);
}

function inspect(
  what: string,
  file: string,
  folder: string,
  account: Account | undefined,
  exitCode: number,
): string[] {
  const stat = statSync(folder);
  if (!stat.isDirectory()) throw new DaemonError(exitCode, `${what} ${file}: ${folder} is no folder`);
  const warnings: string[] = [];
  if ((stat.mode & WORLD_WRITABLE) !== 0) {
    if ((stat.mode & STICKY) === 0) {
      throw new DaemonError(
        exitCode,
        `${what} ${file}: anyone may write to the folder ${folder} and put another file in its place; ` +
          `take that right away (chmod o-w ${folder})`,
      );
    }
    warnings.push(
      `${what} ${file}: anyone may make files in ${folder}; a folder of the daemon's own is safer`,
    );
  }
  if (account !== undefined && isRoot() && stat.uid !== account.uid && (stat.mode & WORLD_WRITABLE) === 0) {
    warnings.push(
      `${what} ${file}: ${folder} does not belong to User ${account.name}, so the file cannot be removed at the end`,
    );
  }
  return warnings;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
