/**
 * A real name server on loopback, UDP and TCP on one port, for tests, the demo and the benchmark: it serves a zone
 * written as JSON, slowly, badly or not at all where asked to.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, isIPv6, type Socket, type Server as TcpServer } from "node:net";
import { encodeReply, type Query, type Reply, readQuery } from "./message.ts";
import { type Zone, ZoneTable } from "./zone.ts";

/** One question that the server received, as an interceptor sees it. */
export interface ReceivedQuestion extends Query {
  readonly transport: "udp" | "tcp";
  readonly peer: { readonly address: string; readonly port: number };
  /** How often this name and type were asked, this time included, over either transport. */
  readonly count: number;
  /** The message that would be sent; undefined where the zone says to stay silent. */
  normalReply(): Buffer | undefined;
}

/**
 * What is sent instead of the normal reply: nothing, these octets (several messages in a row), or, over TCP, these
 * octets without length prefixes (`raw`) or the end of the connection.
 */
export type Interception =
  | "normal"
  | "drop"
  | "close"
  | readonly Buffer[]
  | { readonly raw: Buffer; readonly close?: boolean };

export interface NameserverOptions {
  /** The address to serve, on loopback; 127.0.0.1 where none is given. */
  readonly address?: string;
  /** 0 or nothing: a free port. */
  readonly port?: number;
  /** TTL of records that name none; 300. */
  readonly ttlSeconds?: number;
  /** TTL of negative answers, in their SOA; undefined leaves the SOA out; 300 where the option is missing. */
  readonly negativeTtlSeconds?: number | undefined;
  /** How long every answer waits. */
  readonly delayMs?: number | ((question: ReceivedQuestion) => number);
  /** The server's own limit on UDP messages; 1232. */
  readonly udpSizeMax?: number;
  /** What TIMEOUT in the zone means on the wire; silence. */
  readonly timeoutAs?: "silence" | "SERVFAIL";
  /** Decides about each question; for loss, flapping and hostile answers. */
  readonly intercept?: (question: ReceivedQuestion) => Interception;
}

/** Questions received: all, by transport, and by name and type. */
export interface QuestionCounts {
  readonly total: number;
  readonly udp: number;
  readonly tcp: number;
  /** Of one name, in lower case, over either transport; without `type` of all types. */
  of(name: string, type?: string): number;
  /** `TYPE name` and how often, in order of first arrival. */
  list(): ReadonlyMap<string, number>;
}

export interface Nameserver {
  readonly address: string;
  readonly port: number;
  readonly questions: QuestionCounts;
  setZone(zone: Zone): void;
  /** Changes options other than address and port while the server runs. */
  setOptions(options: Omit<NameserverOptions, "address" | "port">): void;
  resetCounts(): void;
  /** The most TCP connections that were open at once. */
  readonly connectionsMax: number;
  /** Closes sockets and connections; delayed answers are not sent any more. */
  close(): Promise<void>;
}

/**
 * Starts the server.
 *
 * @throws where the address or port cannot be bound.
 */
export async function startNameserver(zone: Zone, options: NameserverOptions = {}): Promise<Nameserver> {
  const server = new LoopbackNameserver(zone, options);
  await server.listen(options.address ?? "127.0.0.1", options.port ?? 0);
  return server;
}

class Counts implements QuestionCounts {
  udp = 0;
  tcp = 0;
  readonly #byQuestion = new Map<string, number>();

  get total(): number {
    return this.udp + this.tcp;
  }

  add(query: Query, transport: "udp" | "tcp"): number {
    const key = `${query.type} ${query.name.toLowerCase()}`;
    const count = (this.#byQuestion.get(key) ?? 0) + 1;
    this.#byQuestion.set(key, count);
    this[transport]++;
    return count;
  }

  of(name: string, type?: string): number {
    let sum = 0;
    for (const [key, count] of this.#byQuestion) {
      const space = key.indexOf(" ");
      if (
        key.slice(space + 1) === name.toLowerCase() &&
        (type ?? key.slice(0, space)) === key.slice(0, space)
      ) {
        sum += count;
      }
    }
    return sum;
  }

  list(): ReadonlyMap<string, number> {
    return new Map(this.#byQuestion);
  }
}

class LoopbackNameserver implements Nameserver {
  address = "";
  port = 0;
  #counts = new Counts();
  #zone: ZoneTable;
  #options: NameserverOptions;
  #udp: UdpSocket | undefined;
  #tcp: TcpServer | undefined;
  readonly #connections = new Set<Socket>();
  connectionsMax = 0;
  readonly #delayed = new Set<NodeJS.Timeout>();

  constructor(zone: Zone, options: NameserverOptions) {
    this.#zone = new ZoneTable(zone);
    this.#options = options;
  }

  get questions(): QuestionCounts {
    return this.#counts;
  }

  setZone(zone: Zone): void {
    this.#zone = new ZoneTable(zone);
  }

  setOptions(options: Omit<NameserverOptions, "address" | "port">): void {
    this.#options = { ...this.#options, ...options };
  }

  resetCounts(): void {
    this.#counts = new Counts();
  }

  /** A free UDP port may be taken on TCP: with port 0 another one is tried. */
  async listen(address: string, port: number): Promise<void> {
    for (let tries = 0; ; tries++) {
      const udp = createSocket(isIPv6(address) ? "udp6" : "udp4");
      const tcp = createServer((connection) => {
        this.#serveConnection(connection);
      });
      try {
        udp.bind({ address, port, exclusive: true });
        await once(udp, "listening");
        tcp.listen({ host: address, port: udp.address().port, exclusive: true });
        await once(tcp, "listening");
      } catch (error) {
        udp.close();
        if (port !== 0 || tries >= 20) throw error;
        continue;
      }
      this.address = address;
      this.port = (tcp.address() as AddressInfo).port;
      this.#udp = udp;
      this.#tcp = tcp;
      udp.on("message", (bytes, from) => {
        this.#serveDatagram(udp, bytes, from);
      });
      // A datagram that the asker's closed port refuses comes back as an error of a later send.
      udp.on("error", () => undefined);
      return;
    }
  }

  async close(): Promise<void> {
    for (const timer of this.#delayed) clearTimeout(timer);
    this.#delayed.clear();
    for (const connection of this.#connections) connection.destroy();
    const udp = this.#udp;
    const tcp = this.#tcp;
    this.#udp = undefined;
    this.#tcp = undefined;
    if (udp === undefined || tcp === undefined) return;
    const closed = Promise.all([once(udp, "close"), once(tcp, "close")]);
    udp.close();
    tcp.close();
    await closed;
  }

  #serveDatagram(udp: UdpSocket, bytes: Buffer, from: RemoteInfo): void {
    const question = this.#receive(bytes, "udp", from);
    if (question === undefined) return;
    this.#later(question, () => {
      const reply = this.#options.intercept?.(question) ?? "normal";
      if (this.#udp !== udp || reply === "drop" || reply === "close") return;
      const messages =
        reply === "normal" ? [question.normalReply()] : "raw" in reply ? [reply.raw] : (reply as Buffer[]);
      for (const message of messages) {
        if (message !== undefined) udp.send(message, from.port, from.address);
      }
    });
  }

  #serveConnection(connection: Socket): void {
    this.#connections.add(connection);
    this.connectionsMax = Math.max(this.connectionsMax, this.#connections.size);
    const peer = { address: connection.remoteAddress ?? "", port: connection.remotePort ?? 0 };
    let received = Buffer.alloc(0);
    connection.on("error", () => undefined);
    connection.on("close", () => this.#connections.delete(connection));
    connection.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const question = this.#receive(received.subarray(2, end), "tcp", peer);
        received = received.subarray(end);
        if (question === undefined) connection.destroy();
        else {
          this.#later(question, () => {
            this.#answerOnConnection(connection, question);
          });
        }
      }
    });
  }

  #answerOnConnection(connection: Socket, question: ReceivedQuestion): void {
    const reply = this.#options.intercept?.(question) ?? "normal";
    if (reply === "drop") return;
    if (reply === "close") connection.destroy();
    else if (reply === "normal") writeMessages(connection, [question.normalReply()]);
    else if (!("raw" in reply)) writeMessages(connection, reply);
    else if (reply.close === true) connection.end(reply.raw);
    else connection.write(reply.raw);
  }

  #receive(
    bytes: Buffer,
    transport: "udp" | "tcp",
    peer: { address: string; port: number },
  ): ReceivedQuestion | undefined {
    const query = readQuery(bytes);
    if (query === undefined) return undefined;
    const count = this.#counts.add(query, transport);
    return {
      ...query,
      transport,
      peer,
      count,
      normalReply: () => this.#reply(query, transport),
    };
  }

  #later(question: ReceivedQuestion, act: () => void): void {
    const { delayMs = 0 } = this.#options;
    const wait = typeof delayMs === "number" ? delayMs : delayMs(question);
    if (wait <= 0) {
      act();
      return;
    }
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      act();
    }, wait);
    this.#delayed.add(timer);
  }

  #reply(query: Query, transport: "udp" | "tcp"): Buffer | undefined {
    const answer = this.#zone.answer(query.name, query.type);
    const { ttlSeconds = 300, timeoutAs = "silence", udpSizeMax = 1232 } = this.#options;
    const negativeTtlSeconds = "negativeTtlSeconds" in this.#options ? this.#options.negativeTtlSeconds : 300;
    const empty = { records: [], ttlSeconds, negativeTtlSeconds: undefined, truncated: false };
    if (answer.kind === "silence") {
      return timeoutAs === "silence" ? undefined : encodeReply(query, { ...empty, rcode: "SERVFAIL" });
    }
    if (answer.kind === "rcode") return encodeReply(query, { ...empty, rcode: answer.rcode });
    const last = answer.records.at(-1)?.data.type;
    const positive = last === query.type;
    const reply: Reply = {
      ...empty,
      rcode: answer.exists ? "NOERROR" : "NXDOMAIN",
      records: answer.records,
      negativeTtlSeconds: positive ? undefined : negativeTtlSeconds,
    };
    const message = encodeReply(query, reply);
    const limit = Math.min(Math.max(query.udpSize ?? 512, 512), udpSizeMax);
    return transport === "tcp" || message.length <= limit
      ? message
      : encodeReply(query, { ...reply, truncated: true });
  }
}

function writeMessages(connection: Socket, messages: readonly (Buffer | undefined)[]): void {
  for (const message of messages) {
    if (message === undefined) continue;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    connection.write(Buffer.concat([length, message]));
  }
}
