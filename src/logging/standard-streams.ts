import { constants, fstatSync, openSync } from "node:fs";

/**
 * A descriptor for /dev/stdout or /dev/stderr that does not wait for its reader where the system allows it: to be
 * opened once and kept. Sockets cannot be opened again, nor another user's pipe.
 */
export function openStandardStream(fd: 1 | 2): number {
  const stat = fstatSync(fd);
  if (stat.isFIFO()) {
    try {
      const flags = constants.O_WRONLY | constants.O_NONBLOCK;
      return openSync(`/dev/fd/${fd}`, flags);
    } catch {
      // The inherited one serves; its writes are off the main thread as well.
    }
  }
  return fd;
}

/** Whether standard error leads to the journal, as systemd says in JOURNAL_STREAM (sd-daemon(3)). */
export function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(2, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
