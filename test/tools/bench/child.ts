/** A helper process written in TypeScript, spoken to over its IPC channel: one question, one answer. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

/** Wraps a forked script of this folder. */
export class Child<Command extends object, Reply> {
  readonly #process: ChildProcess;
  #answer: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined;
  #gone: string | undefined;

  constructor(script: string) {
    this.#process = fork(join(import.meta.dirname, script), [], { execArgv: ["--import", "tsx"] });
    this.#process.on("message", (reply) => {
      const answer = this.#answer;
      this.#answer = undefined;
      answer?.resolve(reply as Reply);
    });
    this.#process.on("exit", (code, signal) => {
      this.#gone = `${script} ended with ${code ?? signal}`;
      this.#answer?.reject(new Error(this.#gone));
    });
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** Sends a command and waits for its answer; one at a time. */
  ask(command: Command): Promise<Reply> {
    if (this.#gone !== undefined) return Promise.reject(new Error(this.#gone));
    if (this.#answer !== undefined) throw new Error("one question at a time");
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      this.#process.send(command);
    });
  }

  /** The process ends when its channel closes. */
  stop(): void {
    if (this.#process.connected) this.#process.disconnect();
  }
}
