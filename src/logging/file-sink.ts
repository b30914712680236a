import { close, closeSync, constants, fchownSync, fstatSync, openSync, write } from "node:fs";
import { DaemonError, EXIT, systemCode, systemReason } from "../process/index.ts";
import {
  CLOSE_MS_MAX,
  type FormatOwn,
  LineQueue,
  type LogLevel,
  lostText,
  QUEUE_LINES_MAX,
  type Sink,
  WriteBatcher,
} from "./sink.ts";

const BATCH_LINES_MAX = 256;
const RETRY_MS = 50;

/** How a {@link FileSink} gets and dresses its lines. */
export interface FileSinkOptions {
  /** Opens the file; called again by reopen(). Throws with the words for the log. */
  readonly open: () => number;
  /** Whether the descriptor is the sink's own, to be closed. Standard output and error are not. */
  readonly owned: boolean;
  /** The prefix of a line: the head of syslog, a priority, or nothing. */
  readonly head: (level: LogLevel) => string;
  readonly formatOwn: FormatOwn;
  /** What it replaces: the journal is in the place of syslog. */
  readonly kind?: Sink["kind"];
}

/**
 * A file, FIFO, terminal or inherited descriptor. One write is under way at a time, off the main thread, so a
 * full pipe or a slow disk holds up the log and nothing else.
 */
export class FileSink implements Sink {
  readonly #options: FileSinkOptions;
  readonly #queue = new LineQueue(QUEUE_LINES_MAX);
  readonly #batcher = new WriteBatcher(BATCH_LINES_MAX, () => {
    this.#pump();
  });
  #fd: number;
  #pending: { buffer: Buffer; fd: number } | undefined;
  #retry: NodeJS.Timeout | undefined;
  #replaced: number | undefined;
  #midLine = false;
  #lastError = "";
  #idle: (() => void) | undefined;

  /** @throws what `open` throws */
  constructor(options: FileSinkOptions) {
    this.#options = options;
    this.#fd = options.open();
  }

  get lost(): number {
    return this.#queue.dropped;
  }

  get lostInAll(): number {
    return this.#queue.droppedInAll;
  }

  get kind(): Sink["kind"] {
    return this.#options.kind ?? "file";
  }

  write(level: LogLevel, line: string): void {
    this.#queue.push({ level, line: this.#options.head(level) + line });
    this.#batcher.add(level, this.#queue.length);
  }

  start(): void {
    this.#batcher.flush();
  }

  reopen(): string | undefined {
    if (!this.#options.owned) return undefined;
    let fd: number;
    try {
      fd = this.#options.open();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    this.#batcher.flush();
    const old = this.#fd;
    this.#fd = fd;
    if (this.#pending?.fd === old) this.#replaced = old;
    else closeQuietly(old);
    return undefined;
  }

  async close(): Promise<void> {
    this.#batcher.flush();
    if (this.#pending !== undefined || this.#queue.length > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, CLOSE_MS_MAX);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    clearTimeout(this.#retry);
    if (this.#options.owned && this.#pending === undefined) closeQuietly(this.#fd);
  }

  #pump(): void {
    if (this.#pending !== undefined) return;
    const batch = this.#queue.take(BATCH_LINES_MAX);
    if (batch.length === 0) {
      this.#idle?.();
      return;
    }
    const text = batch.map(({ line }) => `${line}\n`).join("");
    const buffer = Buffer.from((this.#midLine ? "\n" : "") + text, "latin1");
    this.#pending = { buffer, fd: this.#fd };
    this.#writePending();
  }

  #writePending(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    write(pending.fd, pending.buffer, (error, written) => {
      this.#written(pending, error, written);
    });
  }

  #written(pending: { buffer: Buffer }, error: NodeJS.ErrnoException | null, written: number): void {
    if (error === null) {
      if (written > 0) this.#midLine = pending.buffer[written - 1] !== 0x0a;
      pending.buffer = pending.buffer.subarray(written);
      if (pending.buffer.length > 0) this.#writePending();
      else this.#finishWrite(true);
    } else if (error.code === "EAGAIN" || error.code === "EINTR") {
      this.#retry = setTimeout(() => {
        this.#writePending();
      }, RETRY_MS);
      this.#retry.unref();
    } else {
      this.#lastError = systemReason(error);
      this.#queue.lose(countLines(pending.buffer));
      this.#finishWrite(false);
    }
  }

  #finishWrite(delivered: boolean): void {
    this.#pending = undefined;
    if (this.#replaced !== undefined) {
      closeQuietly(this.#replaced);
      this.#replaced = undefined;
    }
    if (delivered && this.#queue.dropped > 0) {
      const { head, formatOwn } = this.#options;
      const line = formatOwn("warning", lostText(this.#queue.takeDropped(), this.#lastError));
      this.#lastError = "";
      this.#queue.giveBack([{ level: "warning", line: head("warning") + line }]);
    }
    if (this.#queue.length >= BATCH_LINES_MAX || this.#idle !== undefined) this.#pump();
    else if (this.#queue.length > 0) this.#batcher.wait();
  }
}

function countLines(buffer: Buffer): number {
  let lines = 0;
  for (const octet of buffer) if (octet === 0x0a) lines++;
  return lines;
}

function closeQuietly(fd: number): void {
  close(fd, () => {
    // Nothing is left to be done about a descriptor that does not close.
  });
}

/** The owner of a log file that is created while the process is still root. */
export interface LogOwner {
  readonly uid: number;
  readonly gid: number;
}

const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a log file for appending. A symbolic link, a second hard link, or something that is neither file, FIFO
 * nor device is refused: anyone who can write to the directory could otherwise lead root's writes elsewhere.
 *
 * @throws DaemonError with EX_CANTCREAT, path and reason
 */
export function openLogFile(path: string, owner: LogOwner | undefined): number {
  try {
    return checked(openSync(path, FLAGS));
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw refusal(path, error);
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
      : "is not a file";
  if (fault === undefined) return fd;
  closeSync(fd);
  throw new Error(fault);
}

function refusal(path: string, error: unknown): DaemonError {
  const reason = systemReason(error, { ENOENT: "its directory does not exist" });
  return new DaemonError(EXIT.cannotCreate, `LogTo ${path} cannot be opened: ${reason}`, { cause: error });
}

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
