import type { Source } from "./sources.ts";
import { grouped } from "./words.ts";

const EVERY_MS = 200;

/** Shows on a terminal how far long work has come; elsewhere it is silent. */
export class Progress {
  readonly #isShown = process.stderr.isTTY;
  #nextMs = performance.now() + EVERY_MS;
  #isDrawn = false;

  /** A log is being read: how many octets of it, and how many lines of all logs. */
  reading({ name, size }: Pick<Source, "name" | "size">, octets: number, lines: number): void {
    const share = size === undefined || size === 0 ? "" : ` ${Math.floor((100 * octets) / size)} %`;
    this.#draw(() => `${name}${share}, ${grouped(lines)} lines`);
  }

  asking(done: number, all: number): void {
    this.#draw(() => `asking DNS, ${done} of ${all}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isDrawn) process.stderr.write("\r\x1b[K");
    this.#isDrawn = false;
  }

  #draw(text: () => string): void {
    if (!this.#isShown || performance.now() < this.#nextMs) return;
    this.#nextMs = performance.now() + EVERY_MS;
    process.stderr.write(
      `\r\x1b[K${text()
        .replace(/[^\x20-\x7e]/g, "?")
        .slice(0, 78)}`,
    );
    this.#isDrawn = true;
  }
}
