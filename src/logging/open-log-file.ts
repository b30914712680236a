import { closeSync, constants, fchownSync, fstatSync, openSync } from "node:fs";
import { systemWords } from "./system-words.ts";

/** Who shall own a log file that is created while the process is still root. */
export interface LogOwner {
  readonly uid: number;
  readonly gid: number;
}

const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a log file for appending. A symbolic link, a second hard link, or something that is neither file, FIFO
 * nor device is refused: whoever can write to the folder could otherwise lead root's writes elsewhere.
 *
 * @throws an error whose message names path and reason
 */
export function openLogFile(path: string, owner: LogOwner | undefined): number {
  try {
    return checked(openSync(path, FLAGS));
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw refusal(path, error);
  }
  try {
    const fd = openSync(path, FLAGS | constants.O_CREAT | constants.O_EXCL, 0o640);
    if (owner !== undefined) fchownSync(fd, owner.uid, owner.gid);
    return checked(fd);
  } catch (error) {
    throw refusal(path, error);
  }
}

function checked(fd: number): number {
  const stat = fstatSync(fd);
  const fault = stat.isFile()
    ? stat.nlink > 1
      ? "has more than one hard link"
      : undefined
    : stat.isFIFO() || stat.isCharacterDevice()
      ? undefined
      : "is no file";
  if (fault === undefined) return fd;
  closeSync(fd);
  throw new Error(fault);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function refusal(path: string, error: unknown): Error {
  return new Error(`LogTo ${path} cannot be opened: ${systemWords(error)}`, { cause: error });
}
