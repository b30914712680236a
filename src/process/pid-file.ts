import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { DaemonError, EXIT, systemCode, systemReason } from "./errors.ts";
import { type Account, isRoot } from "./privileges.ts";
import { isAlive } from "./start-lock.ts";

/**
 * Writes the PID of the daemon, under another name first and then put in place, so that no reader sees half a number and no
 * link is followed. The file belongs to User, who takes it away at the end.
 *
 * @param program the path of our script: a live process that runs it is another daemon
 * @throws DaemonError where a link or something else than a file is there, or another daemon's file
 */
export function writePidFile(
  path: string,
  account: Account | undefined,
  program: string,
  pid = process.pid,
): void {
  refuseOccupied(path, program, pid);
  const temporary = `${path}.${process.pid}`;
  try {
    // Left by a process of the same number that was killed: in a container that is every start.
    if (lstatSync(temporary, { throwIfNoEntry: false })?.isFile() === true) unlinkSync(temporary);
    const fd = openSync(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o644,
    );
    try {
      // Whatever the umask: everybody may ask whether the daemon runs.
      fchmodSync(fd, 0o644);
      writeSync(fd, `${pid}\n`);
      if (account !== undefined && isRoot()) fchownSync(fd, account.uid, account.gid);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    if (systemCode(error) !== "EEXIST") rmSync(temporary, { force: true });
    throw new DaemonError(EXIT.cannotCreate, `PidFile ${path} cannot be written: ${systemReason(error)}`, {
      cause: error,
    });
  }
}

function refuseOccupied(path: string, program: string, own: number): void {
  let stat: ReturnType<typeof lstatSync>;
  try {
    stat = lstatSync(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw new DaemonError(EXIT.cannotCreate, `PidFile ${path}: ${String(error)}`, { cause: error });
  }
  if (stat.isSymbolicLink()) {
    throw new DaemonError(EXIT.cannotCreate, `PidFile ${path} is a symbolic link; it is not followed`);
  }
  if (!stat.isFile()) throw new DaemonError(EXIT.cannotCreate, `PidFile ${path} is not a file`);
  const pid = readPid(path);
  if (pid !== undefined && pid !== own && isAlive(pid) && runs(pid, program)) {
    throw new DaemonError(EXIT.unavailable, `smf-spf runs already: PidFile ${path} names process ${pid}`);
  }
}

function readPid(path: string): number | undefined {
  try {
    const text = readFileSync(path, "latin1").trim();
    return /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the process was started with that script. Where there is no /proc, the number is not believed. */
function runs(pid: number, program: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").includes(program);
  } catch {
    return false;
  }
}

/** Takes the daemon's PID file away; one that names another process stays. In a directory not ours it is emptied. */
export function removePidFile(path: string, pid = process.pid): void {
  if (readPid(path) !== pid) return;
  try {
    unlinkSync(path);
  } catch {
    try {
      truncateSync(path);
    } catch {
      // A number of a process that is gone: the scripts look whether it is the daemon's.
    }
  }
}
