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
