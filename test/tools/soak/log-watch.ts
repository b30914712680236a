import { closeSync, existsSync, openSync, readSync, renameSync, rmSync } from "node:fs";

const STEP_OCTETS = 1024 * 1024;
const FAULTS_MAX = 100;
const LINES_KEPT = 20;

/** Options of {@link LogWatch}. */
export interface LogWatchOptions {
  readonly path: string;
  /** Lines of the log that tell of a fault. */
  readonly isFault: (line: string) => boolean;
  /** From this size on the file is put aside. */
  readonly octetsMax: number;
  /** Has the daemon open its log again. */
  readonly reopen: () => void;
}

/**
 * Follows a log while it grows, for hours: keeps its faults and its last lines, and has it rotated as logrotate
 * would, so that it fills neither memory nor disk.
 */
export class LogWatch {
  readonly faults: string[] = [];
  /** Without their heads. */
  lastLines: string[] = [];
  readonly #options: LogWatchOptions;
  readonly #buffer = Buffer.alloc(STEP_OCTETS);
  #fd: number | undefined;
  #octets = 0;
  #half = "";
  #isAside = false;

  constructor(options: LogWatchOptions) {
    this.#options = options;
  }

  /** Reads what has come since the last call. */
  poll(): void {
    const { path, octetsMax, reopen } = this.#options;
    // Once the new file is there, nothing more is written to the one put aside.
    const isLastOfFile = this.#isAside && existsSync(path);
    this.#fd ??= existsSync(path) ? openSync(path, "r") : undefined;
    if (this.#fd === undefined) return;
    for (;;) {
      const read = readSync(this.#fd, this.#buffer, 0, STEP_OCTETS, this.#octets);
      if (read === 0) break;
      this.#octets += read;
      this.#take(this.#buffer.toString("latin1", 0, read));
    }
    if (isLastOfFile) {
      this.close();
      rmSync(`${path}.1`);
    } else if (!this.#isAside && this.#octets >= octetsMax) {
      renameSync(path, `${path}.1`);
      this.#isAside = true;
      reopen();
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#octets = 0;
    this.#isAside = false;
  }

  #take(text: string): void {
    const lines = (this.#half + text).split("\n");
    this.#half = lines.pop() ?? "";
    const bare = lines.map((line) => line.replace(/^.*? smf-spf\[\d+\]: /, ""));
    this.lastLines = [...this.lastLines, ...bare.slice(-LINES_KEPT)].slice(-LINES_KEPT);
    for (const line of bare) {
      if (this.faults.length < FAULTS_MAX && this.#options.isFault(line)) this.faults.push(line);
    }
  }
}
