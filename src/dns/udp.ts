import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Nameserver } from "./nameservers.ts";

const SOCKETS = 16;
/** A socket serves so many questions or so long, then its port is given up. */
const QUESTIONS_PER_SOCKET = 100;
const SOCKET_LIFE_MS = 10_000;
const IDS = 0x1_0000;
/** More than any resolver has in hand on one socket; a free id is then found by chance in a try or two. */
const PENDING_PER_SOCKET_MAX = IDS / 4;

/** Who waits for the answer to one question. */
export interface Listener {
  /** A message with our id, from the address and port that was asked. */
  message(bytes: Buffer): void;
  /** The question could not be sent, or nobody serves DNS there. Called from a later tick. */
  error(problem: string): void;
}

/**
 * Sends questions to one name server. What a forger must guess is the port, which the system draws at random for
 * each socket, and the id, drawn for each question (RFC 5452). A socket for every question would cost twice the
 * time and a descriptor each; so there are a few, each question takes one of them by chance, and none lives long.
 * They are connected: the system drops what comes from elsewhere, and tells at once where a port is closed.
 */
export class UdpChannel {
  readonly #server: Nameserver;
  readonly #slots = new Array<PooledSocket | undefined>(SOCKETS);
  /** Given up, but some of their questions are not answered yet. */
  readonly #draining = new Set<PooledSocket>();

  constructor(server: Nameserver) {
    this.#server = server;
  }

  /** Sends a copy of the message with an id of its own. The returned function ends the waiting. */
  exchange(message: Buffer, listener: Listener): () => void {
    return this.#pick().exchange(message, listener);
  }

  close(): void {
    for (const socket of this.#slots) socket?.close();
    for (const socket of this.#draining) socket.close();
  }

  #pick(): PooledSocket {
    const slot = randomInt(SOCKETS);
    const now = performance.now();
    const socket = this.#slots[slot];
    if (socket !== undefined && !socket.closed) {
      // Where many questions stay without answer, ports are kept longer rather than descriptors spent.
      if (socket.isFresh(now) || this.#draining.size >= SOCKETS) return socket;
      this.#draining.add(socket);
      socket.retire();
    }
    const opened = new PooledSocket(this.#server, now, () => this.#draining.delete(opened));
    this.#slots[slot] = opened;
    return opened;
  }
}

class PooledSocket {
  closed = false;
  readonly #socket: Socket;
  readonly #bornMs: number;
  readonly #onClose: () => void;
  readonly #pending = new Map<number, Listener>();
  /** Questions that wait for the socket to be connected. */
  #unsent: { readonly message: Buffer; readonly listener: Listener }[] | undefined = [];
  #served = 0;
  #retired = false;

  constructor(server: Nameserver, nowMs: number, onClose: () => void) {
    this.#bornMs = nowMs;
    this.#onClose = onClose;
    this.#socket = createSocket(isIPv6(server.address) ? "udp6" : "udp4");
    this.#socket.on("message", (bytes) => {
      if (bytes.length >= 2) this.#pending.get(bytes.readUInt16BE(0))?.message(bytes);
    });
    this.#socket.on("error", (error) => {
      this.#fail(error);
    });
    // Unlike a callback of connect(), the event leaves errors to "error".
    this.#socket.once("connect", () => {
      const unsent = this.#unsent ?? [];
      this.#unsent = undefined;
      for (const { message, listener } of unsent) this.#send(message, listener);
    });
    this.#socket.connect(server.port, server.address);
    this.#socket.unref();
  }

  isFresh(nowMs: number): boolean {
    return (
      this.#served < QUESTIONS_PER_SOCKET &&
      nowMs - this.#bornMs < SOCKET_LIFE_MS &&
      this.#pending.size < PENDING_PER_SOCKET_MAX
    );
  }

  /** No more questions come; closes with the last answer. */
  retire(): void {
    this.#retired = true;
    this.#closeIfDone();
  }

  exchange(message: Buffer, listener: Listener): () => void {
    let id = randomInt(IDS);
    while (this.#pending.has(id)) id = randomInt(IDS);
    const copy = Buffer.from(message);
    copy.writeUInt16BE(id, 0);
    // While a question is out, the socket keeps the process alive.
    if (this.#pending.size === 0) this.#socket.ref();
    this.#pending.set(id, listener);
    this.#served++;
    if (this.#unsent === undefined) this.#send(copy, listener);
    else this.#unsent.push({ message: copy, listener });
    return () => {
      // The id may already belong to a later question.
      if (this.closed || this.#pending.get(id) !== listener) return;
      this.#pending.delete(id);
      if (this.#pending.size > 0) return;
      this.#socket.unref();
      this.#closeIfDone();
    };
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#pending.clear();
    this.#socket.close();
    this.#onClose();
  }

  #send(message: Buffer, listener: Listener): void {
    if (this.closed) return;
    this.#socket.send(message, (error) => {
      if (error !== null) listener.error(problemOf(error));
    });
  }

  /** A closed port, an unreachable network, no descriptors: everyone on this socket is told. */
  #fail(error: Error): void {
    const listeners = [...this.#pending.values()];
    this.close();
    for (const listener of listeners) listener.error(problemOf(error));
  }

  #closeIfDone(): void {
    if (this.#retired && this.#pending.size === 0) this.close();
  }
}

function problemOf(error: NodeJS.ErrnoException): string {
  return `name server unreachable (${error.code ?? error.message})`;
}
