import { randomInt } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { OctetString } from "../address/index.ts";
import type { Nameserver } from "./nameservers.ts";
import type { Listener } from "./udp.ts";

/** Connections at once to one server; further questions wait, on their own time. */
const CONNECTIONS_MAX = 64;
/** Those of them for the names of one domain: see {@link shareOf}. */
const SHARE_MAX = CONNECTIONS_MAX / 8;
const LENGTH_OCTETS = 2;

/**
 * Asks one name server over TCP, a connection for each question: only what UDP cannot carry comes this way. A server that
 * has just said that its answer is too long mostly has it, and sends it at once; it lets us wait for domains that give it
 * a new one each time, slowly. So domains take turns and have a share each, and where connections are lacking, one that
 * has waited for a quarter of a try goes for one that has not.
 */
export class TcpChannel {
  readonly #server: Nameserver;
  readonly #graceMs: number;
  /** The oldest first. */
  readonly #open = new Set<Exchange>();
  readonly #openOf = new Map<string, number>();
  /** By share; whose turn it is comes first. */
  readonly #waiting = new Map<string, Waiting>();
  #timer: NodeJS.Timeout | undefined;

  /** @param timeoutMs the time of a try */
  constructor(server: Nameserver, timeoutMs: number) {
    this.#server = server;
    this.#graceMs = timeoutMs / 4;
  }

  /** Sends a copy of the message with an id of its own. The returned function ends the waiting. */
  exchange(message: Buffer, listener: Listener): () => void {
    const exchange = new Exchange(message, listener);
    const { share } = exchange;
    const waiting = this.#waiting.get(share) ?? new Waiting();
    waiting.add(exchange);
    this.#waiting.set(share, waiting);
    this.#connectNext();
    return () => {
      this.#end(exchange);
    };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
    for (const exchange of this.#open) exchange.destroy();
    this.#open.clear();
    this.#openOf.clear();
  }

  #connectNext(): void {
    // A share that still waits afterwards goes to the end, and is met there again.
    for (const [share, waiting] of this.#waiting) {
      if (this.#isFull) break;
      const exchange = this.#isShareFull(share) ? undefined : waiting.take();
      if (exchange === undefined) continue;
      this.#waiting.delete(share);
      if (!waiting.isEmpty) this.#waiting.set(share, waiting);
      this.#open.add(exchange);
      this.#openOf.set(share, (this.#openOf.get(share) ?? 0) + 1);
      exchange.connect(this.#server, () => {
        this.#end(exchange);
      });
    }
    this.#watchCrowd();
  }

  get #isFull(): boolean {
    return this.#open.size >= CONNECTIONS_MAX;
  }

  #isShareFull(share: string): boolean {
    return (this.#openOf.get(share) ?? 0) >= SHARE_MAX;
  }

  /** The oldest connection that another question waits for. */
  #inTheWay(): Exchange | undefined {
    const lacksAny = this.#isFull && this.#othersWait();
    for (const exchange of this.#open) {
      if (lacksAny || (this.#waiting.has(exchange.share) && this.#isShareFull(exchange.share)))
        return exchange;
    }
    return undefined;
  }

  /** Whether any would have a connection, were there one more. */
  #othersWait(): boolean {
    for (const share of this.#waiting.keys()) if (!this.#isShareFull(share)) return true;
    return false;
  }

  /** What is given up may be asked again, so it is done in a tick of its own. */
  #watchCrowd(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return;
    const exchange = this.#inTheWay();
    if (exchange === undefined) return;
    const restMs = exchange.openedMs + this.#graceMs - performance.now();
    this.#timer = setTimeout(
      () => {
        for (let oldest = this.#inTheWay(); oldest !== undefined; oldest = this.#inTheWay()) {
          if (oldest.openedMs + this.#graceMs > performance.now()) break;
          this.#end(oldest);
          oldest.crowdedOut();
        }
        this.#timer = undefined;
        this.#watchCrowd();
      },
      Math.max(0, Math.ceil(restMs)),
    ).unref();
  }

  #end(exchange: Exchange): void {
    const { share } = exchange;
    const waiting = this.#waiting.get(share);
    waiting?.delete(exchange);
    if (waiting?.isEmpty === true) this.#waiting.delete(share);
    exchange.destroy();
    if (!this.#open.delete(exchange)) return;
    const left = (this.#openOf.get(share) ?? 1) - 1;
    if (left === 0) this.#openOf.delete(share);
    else this.#openOf.set(share, left);
    this.#connectNext();
  }
}

/**
 * The questions that wait for one share. Two labels may be a public suffix, so the names below it take turns: a domain
 * waits for no more than one question of each other one.
 */
class Waiting {
  readonly #turns = new Map<string, Set<Exchange>>();

  get isEmpty(): boolean {
    return this.#turns.size === 0;
  }

  add(exchange: Exchange): void {
    const turn = this.#turns.get(exchange.turn);
    if (turn === undefined) this.#turns.set(exchange.turn, new Set([exchange]));
    else turn.add(exchange);
  }

  delete(exchange: Exchange): void {
    const turn = this.#turns.get(exchange.turn);
    if (turn?.delete(exchange) === true && turn.size === 0) this.#turns.delete(exchange.turn);
  }

  /** The next one; those with the same turn go to the end. */
  take(): Exchange | undefined {
    const [first] = this.#turns;
    if (first === undefined) return undefined;
    const [name, turn] = first;
    const [exchange] = turn;
    this.#turns.delete(name);
    if (exchange !== undefined) turn.delete(exchange);
    if (turn.size > 0) this.#turns.set(name, turn);
    return exchange;
  }
}

/**
 * Of a name of DNS, the last two labels, and three for turns; of the name of an address, the network, since all of those
 * end alike.
 */
function shareOf(name: OctetString): { readonly share: string; readonly turn: string } {
  const labels = name.toLowerCase().split(".");
  const top = labels.slice(-2).join(".");
  const network = top === "in-addr.arpa" ? -5 : top === "ip6.arpa" ? -14 : undefined;
  return { share: labels.slice(network ?? -2).join("."), turn: labels.slice(network ?? -3).join(".") };
}

/** One question and the messages that come back; a message has at most 65,535 octets by its form. */
class Exchange {
  readonly #message: Buffer;
  readonly #listener: Listener;
  /** Whose share of the connections it takes, and with whom it takes turns for it. */
  readonly share: string;
  readonly turn: string;
  openedMs = 0;
  readonly #id = randomInt(0x1_0000);
  #socket: Socket | undefined;
  #chunks: Buffer[] = [];
  #received = 0;

  constructor(message: Buffer, listener: Listener) {
    this.#listener = listener;
    const { share, turn } = shareOf(listener.name);
    this.share = share;
    this.turn = turn;
    this.#message = Buffer.alloc(LENGTH_OCTETS + message.length);
    this.#message.writeUInt16BE(message.length, 0);
    message.copy(this.#message, LENGTH_OCTETS);
    this.#message.writeUInt16BE(this.#id, LENGTH_OCTETS);
  }

  connect(server: Nameserver, onEnd: () => void): void {
    this.openedMs = performance.now();
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

  /** It has been ended for others. */
  crowdedOut(): void {
    this.#listener.crowdedOut?.();
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
