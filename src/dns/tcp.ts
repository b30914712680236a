import { randomInt } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { Nameserver } from "./nameservers.ts";
import type { Listener } from "./udp.ts";

/** Connections at once to one server; further questions wait, on their own time. */
const CONNECTIONS_MAX = 64;
const LENGTH_OCTETS = 2;

/** Asks one name server over TCP, a connection for each question: only what UDP cannot carry comes this way. */
export class TcpChannel {
  readonly #server: Nameserver;
  readonly #open = new Set<Exchange>();
  readonly #waiting = new Set<Exchange>();

  constructor(server: Nameserver) {
    this.#server = server;
  }

  /** Sends a copy of the message with an id of its own. The returned function ends the waiting. */
  exchange(message: Buffer, listener: Listener): () => void {
    const exchange = new Exchange(message, listener);
    this.#waiting.add(exchange);
    this.#connectNext();
    return () => {
      this.#end(exchange);
    };
  }

  close(): void {
    this.#waiting.clear();
    for (const exchange of this.#open) exchange.destroy();
    this.#open.clear();
  }

  #connectNext(): void {
    for (const exchange of this.#waiting) {
      if (this.#open.size >= CONNECTIONS_MAX) return;
      this.#waiting.delete(exchange);
      this.#open.add(exchange);
      exchange.connect(this.#server, () => {
        this.#end(exchange);
      });
    }
  }

  #end(exchange: Exchange): void {
    this.#waiting.delete(exchange);
    exchange.destroy();
    if (this.#open.delete(exchange)) this.#connectNext();
  }
}

/** One question and the messages that come back; a message has at most 65,535 octets by its form. */
class Exchange {
  readonly #message: Buffer;
  readonly #listener: Listener;
  readonly #id = randomInt(0x1_0000);
  #socket: Socket | undefined;
  #chunks: Buffer[] = [];
  #received = 0;

  constructor(message: Buffer, listener: Listener) {
    this.#listener = listener;
    this.#message = Buffer.alloc(LENGTH_OCTETS + message.length);
    this.#message.writeUInt16BE(message.length, 0);
    message.copy(this.#message, LENGTH_OCTETS);
    this.#message.writeUInt16BE(this.#id, LENGTH_OCTETS);
  }

  connect(server: Nameserver, onEnd: () => void): void {
    this.#listener.sent?.();
    const socket = connect({ host: server.address, port: server.port, noDelay: true });
    this.#socket = socket;
    const fail = (problem: string): void => {
      if (this.#socket !== socket) return;
      onEnd();
      this.#listener.error(problem);
    };
    socket.on("data", (chunk) => {
      if (this.#socket === socket) this.#receive(chunk);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      fail(`name server unreachable over TCP (${error.code ?? error.message})`);
    });
    socket.on("close", () => {
      fail("name server closed the TCP connection");
    });
    socket.write(this.#message);
  }

  destroy(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#chunks = [];
    socket?.destroy();
  }

  /** Chunks are joined once the message is whole: a server that sends octet by octet costs no more. */
  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    if (this.#received < LENGTH_OCTETS) return;
    const end = LENGTH_OCTETS + this.#length();
    if (this.#received < end) return;
    const message = Buffer.concat(this.#chunks).subarray(LENGTH_OCTETS, end);
    // One question, one answer: there is nothing else to wait for on this connection.
    if (message.length >= 2 && message.readUInt16BE(0) === this.#id) this.#listener.message(message);
    else this.#listener.error("DNS answer over TCP does not match the question");
  }

  #length(): number {
    let [first] = this.#chunks;
    if (first === undefined || first.length < LENGTH_OCTETS) {
      first = Buffer.concat(this.#chunks);
      this.#chunks = [first];
    }
    return first.readUInt16BE(0);
  }
}
