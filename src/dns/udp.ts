import { randomInt } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { OctetString } from "../address/index.ts";
import type { Nameserver } from "./nameservers.ts";

const SOCKETS = 16;
/** So many questions, or for so long, are sent from a port; then it only waits for the answers still to come. */
const QUESTIONS_PER_SOCKET = 100;
const SOCKET_LIFE_MS = 10_000;
/** Ports that wait; one more ends the wait of the oldest: silent names must not use up descriptors. */
const WAITING_SOCKETS_MAX = 32;
const IDS = 0x1_0000;

/** Who waits for the answer to one question. */
export interface Listener {
  /** The name that is asked for. */
  readonly name: OctetString;
  /** A message with our id, from the address and port that was asked. */
  message(bytes: Buffer): void;
  /** The question could not be sent, or nobody serves DNS there. Called from a later tick. */
  error(problem: string): void;
  /** Over TCP: there was a connection to be had, and the question is on its way. */
  sent?(): void;
  /** Over TCP: the connection was needed for others, which have not waited as long. */
  crowdedOut?(): void;
}

/**
 * Sends questions to one name server. What a forger must guess is the port, which the system draws at random for
 * each socket, and the id, drawn for each question (RFC 5452). A socket for every question would cost twice the
 * time and a descriptor each; so there are a few, each question takes one of them at random, and none lives long.
 * They are connected: the system drops what comes from elsewhere, and tells at once where a port is closed.
 */
export class UdpChannel {
  readonly #server: Nameserver;
  readonly #slots = new Array<PooledSocket | undefined>(SOCKETS);
  /** Given up, but some of their questions are not answered yet; the oldest first. */
  readonly #waiting = new Set<PooledSocket>();

  constructor(server: Nameserver) {
    this.#server = server;
  }

  /** Sends a copy of the message with an id of its own. The returned function ends the waiting. */
  exchange(message: Buffer, listener: Listener): () => void {
    return this.#pick().exchange(message, listener);
  }

  close(): void {
    for (const socket of this.#slots) socket?.close();
    for (const socket of this.#waiting) socket.close();
  }

  #pick(): PooledSocket {
    const slot = randomInt(SOCKETS);
    const socket = this.#slots[slot];
    if (socket?.isUsed === false) return socket;
    const opened = new PooledSocket(this.#server, {
      used: () => {
        this.#slots[slot] = undefined;
        this.#waiting.add(opened);
        if (this.#waiting.size <= WAITING_SOCKETS_MAX) return;
        const [oldest] = this.#waiting;
        if (oldest === undefined) return;
        this.#waiting.delete(oldest);
        oldest.giveUp();
      },
      closed: () => {
        if (this.#slots[slot] === opened) this.#slots[slot] = undefined;
        this.#waiting.delete(opened);
      },
    });
    this.#slots[slot] = opened;
    return opened;
  }
}

/** What becomes of a socket. */
interface SocketEvents {
  /** It takes no more questions, but waits for answers. */
  used(): void;
  closed(): void;
}

class PooledSocket {
  /** No more questions. */
  isUsed = false;
  readonly #socket: Socket;
  readonly #events: SocketEvents;
  readonly #life: NodeJS.Timeout;
  readonly #pending = new Map<number, Listener>();
  /** Questions that wait for the socket to be connected. */
  #unsent: { readonly message: Buffer; readonly listener: Listener }[] | undefined = [];
  #served = 0;
  #closed = false;

  constructor(server: Nameserver, events: SocketEvents) {
    this.#events = events;
    this.#life = setTimeout(() => {
      this.#use();
    }, SOCKET_LIFE_MS).unref();
    this.#socket = createSocket(isIPv6(server.address) ? "udp6" : "udp4");
    this.#socket.on("message", (bytes) => {
      if (bytes.length >= 2) this.#pending.get(bytes.readUInt16BE(0))?.message(bytes);
    });
    this.#socket.on("error", (error) => {
      this.#fail(problemOf(error));
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

  exchange(message: Buffer, listener: Listener): () => void {
    let id = randomInt(IDS);
    while (this.#pending.has(id)) id = randomInt(IDS);
    const copy = Buffer.from(message);
    copy.writeUInt16BE(id, 0);
    // While a question is out, the socket keeps the process alive.
    if (this.#pending.size === 0) this.#socket.ref();
    this.#pending.set(id, listener);
    if (this.#unsent === undefined) this.#send(copy, listener);
    else this.#unsent.push({ message: copy, listener });
    if (++this.#served === QUESTIONS_PER_SOCKET) this.#use();
    return () => {
      // The id may already belong to a later question.
      if (this.#closed || this.#pending.get(id) !== listener) return;
      this.#pending.delete(id);
      if (this.#pending.size > 0) return;
      this.#socket.unref();
      if (this.isUsed) this.close();
    };
  }

  /** The questions that are still open count as unanswered; from a later tick, as they may be asked again. */
  giveUp(): void {
    setImmediate(() => {
      this.#fail("no name server answered in time");
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.isUsed = true;
    clearTimeout(this.#life);
    this.#pending.clear();
    this.#socket.close();
    this.#events.closed();
  }

  #use(): void {
    if (this.isUsed) return;
    this.isUsed = true;
    clearTimeout(this.#life);
    if (this.#pending.size > 0) this.#events.used();
    else this.close();
  }

  #send(message: Buffer, listener: Listener): void {
    if (this.#closed) return;
    this.#socket.send(message, (error) => {
      if (error !== null) listener.error(problemOf(error));
    });
  }

  /** A closed port, an unreachable network, no descriptors: everyone on this socket is told. */
  #fail(problem: string): void {
    const listeners = [...this.#pending.values()];
    this.close();
    for (const listener of listeners) listener.error(problem);
  }
}

function problemOf(error: NodeJS.ErrnoException): string {
  return `name server unreachable (${error.code ?? error.message})`;
}
