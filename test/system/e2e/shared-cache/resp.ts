/** As much of a client for Redis as tests need: commands in turn, values as octets. */
import { connect, type NetConnectOpts, type Socket } from "node:net";

/** What an engine answers; text where it is a status, octets where it is a value. */
export type Reply = string | number | Buffer | null | readonly Reply[];

/** One connection. Errors of the engine reject. */
export class RespClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  #isClosed = false;

  constructor(target: NetConnectOpts) {
    this.#socket = connect(target);
    this.#socket.on("error", () => undefined);
    this.#socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.#socket.on("close", () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** Sends a command and waits for its answer; one at a time. */
  async ask(...words: readonly (string | Buffer)[]): Promise<Reply> {
    const parts = words.flatMap((word) => {
      const octets = Buffer.from(word);
      return [Buffer.from(`$${octets.length}\r\n`), octets, Buffer.from("\r\n")];
    });
    this.#socket.write(Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]));
    return this.#reply();
  }

  close(): void {
    this.#socket.destroy();
  }

  async #reply(): Promise<Reply> {
    const line = (await this.#take(() => this.#received.indexOf("\r\n"), 2)).toString("latin1");
    const rest = line.slice(1);
    switch (line[0]) {
      case "+":
        return rest;
      case ":":
        return Number(rest);
      case "-":
        throw new Error(rest);
      case "$":
        if (rest === "-1") return null;
        return this.#take(() => (this.#received.length >= Number(rest) + 2 ? Number(rest) : -1), 2);
      case "*": {
        const replies: Reply[] = [];
        for (let nth = 0; nth < Number(rest); nth++) replies.push(await this.#reply());
        return replies;
      }
      default:
        throw new Error(`no answer of an engine: ${line}`);
    }
  }

  /** The octets up to where `end` says, once it says so, without as many after them. */
  async #take(end: () => number | Promise<number>, skipped: number): Promise<Buffer> {
    for (;;) {
      const at = await end();
      if (at >= 0) {
        const taken = this.#received.subarray(0, at);
        this.#received = this.#received.subarray(at + skipped);
        return Buffer.from(taken);
      }
      if (this.#isClosed) throw new Error("the engine has closed the connection");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
