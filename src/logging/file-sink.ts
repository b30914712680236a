import { close, write } from "node:fs";
import { Gathering } from "./gathering.ts";
import type { LogLevel } from "./levels.ts";
import { LineQueue } from "./line-queue.ts";
import { CLOSE_MS_MAX, lostText, type OwnWords, QUEUE_LINES_MAX, type Sink } from "./sink.ts";
import { systemWords } from "./system-words.ts";

const BATCH_LINES_MAX = 256;
const RETRY_MS = 50;

/** How a {@link FileSink} gets and dresses its lines. */
export interface FileSinkOptions {
  /** Opens the file; called again by reopen(). Throws with the words for the log. */
  readonly open: () => number;
  /** Whether the descriptor is the sink's own, to be closed. Standard output and error are not. */
  readonly owned: boolean;
  /** What stands before a line: the head of syslog, a priority, or nothing. */
  readonly head: (level: LogLevel) => string;
  readonly ownWords: OwnWords;
}

/**
 * A file, FIFO, terminal or inherited descriptor. One write is under way at a time, off the main thread, so a
 * full pipe or a slow disk holds up the log and nothing else.
 */
export class FileSink implements Sink {
  readonly #options: FileSinkOptions;
  readonly #queue = new LineQueue(QUEUE_LINES_MAX);
  readonly #gathering = new Gathering(BATCH_LINES_MAX, () => {
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

  write(level: LogLevel, line: string): void {
    this.#queue.push({ level, line: this.#options.head(level) + line });
    this.#gathering.add(level, this.#queue.length);
  }

  start(): void {
    this.#gathering.flush();
  }

  reopen(): string | undefined {
    if (!this.#options.owned) return undefined;
    let fd: number;
    try {
      fd = this.#options.open();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    this.#gathering.flush();
    const old = this.#fd;
    this.#fd = fd;
    if (this.#pending?.fd === old) this.#replaced = old;
    else closeQuietly(old);
    return undefined;
  }

  async close(): Promise<void> {
    this.#gathering.flush();
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
      else this.#settle(true);
    } else if (error.code === "EAGAIN" || error.code === "EINTR") {
      this.#retry = setTimeout(() => {
        this.#writePending();
      }, RETRY_MS);
      this.#retry.unref();
    } else {
      this.#lastError = systemWords(error);
      this.#queue.lose(countLines(pending.buffer));
      this.#settle(false);
    }
  }

  #settle(delivered: boolean): void {
    this.#pending = undefined;
    if (this.#replaced !== undefined) {
      closeQuietly(this.#replaced);
      this.#replaced = undefined;
    }
    if (delivered && this.#queue.dropped > 0) {
      const { head, ownWords } = this.#options;
      const line = ownWords("warning", lostText(this.#queue.takeDropped(), this.#lastError));
      this.#lastError = "";
      this.#queue.giveBack([{ level: "warning", line: head("warning") + line }]);
    }
    if (this.#queue.length >= BATCH_LINES_MAX || this.#idle !== undefined) this.#pump();
    else if (this.#queue.length > 0) this.#gathering.wait();
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
