import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { DaemonError, EXIT, systemCode, systemReason } from "./errors.ts";
import { type Account, isRoot } from "./privileges.ts";
import { isAlive } from "./start-lock.ts";

/** A number and white space; what is longer is not a PID file. */
const PID_OCTETS_MAX = 32;

/**
 * Writes the PID of the daemon, under another name first and then renamed, so that no reader sees half a number and no
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

/**
 * Whether the file may be written.
 *
 * @throws DaemonError where a link or something else than a file is there, or another daemon's file
 */
export function refuseOccupied(path: string, program: string, own: number): void {
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
    throw new DaemonError(
      EXIT.unavailable,
      `smf-spf is already running: PidFile ${path} names process ${pid}`,
    );
  }
}

/**
 * Opens a PID file in a directory that may be another user's: no link is followed, nothing is waited for.
 *
 * @returns what `use` returns, or undefined where there is no such file
 */
function withPidFile<T>(path: string, access: number, use: (fd: number, pid: number) => T): T | undefined {
  let fd: number;
  try {
    fd = openSync(path, access | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.nlink !== 1) return undefined;
    const text = Buffer.alloc(PID_OCTETS_MAX + 1);
    const [, digits] =
      /^\s*([0-9]{1,10})\s*$/.exec(text.toString("latin1", 0, readSync(fd, text, 0, text.length, 0))) ?? [];
    return digits === undefined ? undefined : use(fd, Number(digits));
  } finally {
    closeSync(fd);
  }
}

function readPid(path: string): number | undefined {
  return withPidFile(path, constants.O_RDONLY, (_fd, pid) => pid);
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
    withPidFile(path, constants.O_RDWR, (fd, named) => {
      if (named === pid) ftruncateSync(fd);
    });
  }
}
