/** Long-running programs of the rig. */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

const WAIT_MS = 60_000;

/** Polls until `ready` holds; the rig's programs tell no other way. */
export async function waitUntil(what: string, ready: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (!(await ready())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(10);
  }
}

/** A child that stays in the foreground; what it prints is kept for the error message of a failed start. */
export class Program {
  readonly name: string;
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  output = "";
  running = true;

  constructor(path: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.name = path;
    this.child = spawn(path, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.output = (this.output + chunk.toString("latin1")).slice(-10_000);
      });
    }
    this.exited = new Promise((resolve) => {
      this.child.once("error", (error) => {
        this.running = false;
        this.output += error.message;
        resolve(null);
      });
      this.child.once("close", (code) => {
        this.running = false;
        resolve(code);
      });
    });
  }

  /** Waits for `ready`; a program that ends before, or is never ready, is ended and its own words are thrown. */
  async becomes(what: string, ready: () => boolean | Promise<boolean>): Promise<void> {
    try {
      await waitUntil(`${this.name} to be ${what}`, async () => {
        if (!this.running) throw new Error(`${this.name} ended`);
        return ready();
      });
    } catch (error) {
      await this.stop("SIGKILL");
      throw new Error(`${String(error)}: ${this.output}`);
    }
  }

  /** Sends the signal and waits for the end. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.child.kill(signal);
    return this.exited;
  }
}
