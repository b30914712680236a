/** What may be between a host and its engine. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** How a network treats what passes: `delayMs` each way. */
export interface NetworkOptions {
  readonly to: number;
  readonly delayMs: number;
}

/** A way to a port of this host on which everything takes its time. */
export class SlowNetwork {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor({ to, delayMs }: NetworkOptions) {
    this.#server = createServer((client) => {
      const engine = connect(to, "127.0.0.1");
      for (const [from, into] of [
        [client, engine],
        [engine, client],
      ] as const) {
        this.#sockets.add(from);
        from.on("error", () => undefined);
        from.on("data", (chunk: Buffer) => {
          this.#later(delayMs, () => {
            into.write(chunk);
          });
        });
        from.on("close", () => {
          this.#sockets.delete(from);
          into.destroy();
        });
      }
    });
  }

  static async start(options: NetworkOptions): Promise<SlowNetwork> {
    const network = new SlowNetwork(options);
    await listening(network.#server);
    return network;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #later(delayMs: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
  }
}

/** What takes connections as an engine does, and answers everything with the same octets. */
export class Liar {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(answer: Buffer) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("data", () => {
        socket.write(answer);
      });
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(answer: Buffer): Promise<Liar> {
    const liar = new Liar(answer);
    await listening(liar.#server);
    return liar;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

async function listening(server: Server): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}
