/** How a program ends: exit codes, words for errors, and output that could not be written. */

/** The exit codes of sysexits.h that the daemon uses. */
export const EXIT = {
  ok: 0,
  /** EX_USAGE */
  usage: 64,
  /** EX_NOINPUT: the file named with -c is missing. */
  noInput: 66,
  /** EX_UNAVAILABLE: the socket cannot be bound or is a live daemon's. */
  unavailable: 69,
  /** EX_SOFTWARE */
  software: 70,
  /** EX_OSERR: a system call was refused. */
  osError: 71,
  /** EX_CANTCREAT: PID file or log file. */
  cannotCreate: 73,
  /** EX_IOERR: what the command prints cannot be written. */
  ioError: 74,
  /** EX_CONFIG */
  config: 78,
} as const;

/** Why the daemon cannot start, in words for the operator, and the code it ends with. */
export class DaemonError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DaemonError";
    this.exitCode = exitCode;
  }
}

/** The `code` of a system error: `ENOENT`, or an empty string. */
export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** The words for refusals of the system, as far as there are better ones than its own. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "another program listens there",
  EADDRNOTAVAIL: "this host has no such address",
  EAI_AGAIN: "no name server answers for this host name",
  EDQUOT: "the quota is exceeded",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "is a symbolic link",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on the device",
  ENOTDIR: "part of the path is not a directory",
  ENOTFOUND: "no such host name",
  ENXIO: "is a FIFO that nobody reads",
  EPIPE: "its reader is gone",
  EROFS: "the file system is read-only (under systemd, ReadWritePaths= lets the unit write there)",
};

/**
 * Why the system has refused something.
 *
 * @param special words that fit better where the caller knows what it tried
 */
export function systemReason(error: unknown, special: Readonly<Record<string, string>> = {}): string {
  const code = systemCode(error);
  return special[code] ?? REASONS[code] ?? (error instanceof Error ? error.message : String(error));
}

/**
 * Watches standard output and standard error of a command that ends by itself. A reader that has seen enough (`| head`)
 * is not an error.
 *
 * @param unread called when nobody reads standard output any more
 * @returns waits until what was written has left the process, which a pipe takes no faster than it is read; resolves
 *   with the error where something could not be written
 */
export function watchOutput(unread?: () => void): () => Promise<Error | undefined> {
  let failure: NodeJS.ErrnoException | undefined;
  const streams = [process.stdout, process.stderr];
  for (const stream of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") failure ??= error;
      else if (stream === process.stdout) unread?.();
    });
  }
  return async () => {
    await Promise.all(
      streams.map(
        (stream) =>
          new Promise<void>((resolve) => {
            // Called with an error, too, where the stream is closed by now.
            stream.write("", () => {
              resolve();
            });
          }),
      ),
    );
    return failure;
  };
}
