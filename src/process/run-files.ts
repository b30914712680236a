/** Files that say that a daemon runs: the directory they are in, a lock for the start, the PID file. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { DaemonError, EXIT, systemCode, systemReason } from "./errors.ts";
import { type Account, isRoot } from "./privileges.ts";

/** A file of the daemon's whose directory is to be made ready. */
export interface RunFile {
  /** The option, for messages: `Socket`, `PidFile`. */
  readonly option: string;
  readonly path: string;
  /** What a directory that cannot be used ends with. */
  readonly exitCode: number;
}

const STICKY = 0o1000;
const WORLD_WRITABLE = 0o002;

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

/** Stale locks upon stale locks: no real start comes near. */
const DEPTH_MAX = 4;

/** The locks that this process holds. A file with our number that is not among them is an earlier process's. */
const held = new Set<string>();

/**
 * A lock file that one process at a time can hold: made by link(2), which succeeds for one. The lock of a
 * process that died holding it is removed by the process that holds a lock named after that very file, so that two who
 * find it at once cannot remove each other's new one.
 *
 * @returns the function that gives it back, or the pid of the holder
 * @throws system errors of the directory
 */
export function takeLock(path: string, depth = 0): (() => void) | number {
  const own = `${path}.${process.pid}.${depth}`;
  // Left by a process of the same number that was killed: in a container that is every start.
  unlinkQuietly(own);
  writeFileSync(own, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(own, path);
        held.add(path);
        return () => {
          held.delete(path);
          unlinkQuietly(path);
        };
      } catch (error) {
        if (systemCode(error) !== "EEXIST") throw error;
      }
      const holder = readHolder(path);
      if (holder === undefined) continue;
      const isEarlier = holder.pid === process.pid && !held.has(path);
      if ((isAlive(holder.pid) && !isEarlier) || depth >= DEPTH_MAX) return holder.pid;
      if (!removeStale(path, holder.inode, depth)) return holder.pid;
    }
  } finally {
    unlinkQuietly(own);
  }
}

/** Whether the stale lock is gone now, by us or another. */
function removeStale(path: string, inode: bigint, depth: number): boolean {
  const right = takeLock(`${path}.${inode}`, depth + 1);
  if (typeof right === "number") return false;
  try {
    // Only the holder of the right removes this file, so what is looked at is what is removed.
    if (readHolder(path)?.inode === inode) unlinkSync(path);
    return true;
  } finally {
    right();
  }
}

function readHolder(path: string): { pid: number; inode: bigint } | undefined {
  let fd: number;
  try {
    // A FIFO or link planted there must neither block nor redirect a start as root.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { ino } = fstatSync(fd, { bigint: true });
    return { pid: Number.parseInt(readFileSync(fd, "latin1"), 10), inode: ino };
  } finally {
    closeSync(fd);
  }
}

/** Whether there is a process of that number. */
export function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already.
  }
}

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
