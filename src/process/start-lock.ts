import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { systemCode } from "./errors.ts";

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
