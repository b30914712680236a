import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** A log file that grows: what was written since {@link skip}, whether it exists already or not. */
export class LogTail {
  readonly path: string;
  #from = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** What is there already is not read any more. */
  skip(): void {
    this.#read((_file, size) => {
      this.#from = size;
    });
  }

  /** The whole lines since then, as octet strings without their ends. */
  lines(): string[] {
    let text = "";
    this.#read((file, size) => {
      const bytes = Buffer.alloc(Math.max(0, size - this.#from));
      text = bytes.toString("latin1", 0, readSync(file, bytes, 0, bytes.length, this.#from));
    });
    return text.split("\n").slice(0, -1);
  }

  #read(use: (file: number, size: number) => void): void {
    let file: number;
    try {
      file = openSync(this.path, "r");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
      throw error;
    }
    try {
      use(file, fstatSync(file).size);
    } finally {
      closeSync(file);
    }
  }
}
