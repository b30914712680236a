import { createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { type MilterHandler, type MilterSession, Negotiator, ProtocolError } from "milter-protocol";
import { Connection, type ConnectionOwner, ConnectionTable, MemoryBudget } from "./connection.ts";

/** What a server tells the operator. `peer` is `unix` or `address:port`. */
export type ServerEvent =
  /** The MTA has broken the protocol; its connection is closed. */
  | { readonly event: "protocol-error"; readonly peer: string; readonly error: ProtocolError }
  /** A handler has thrown: a fault of ours. The session has answered for it. */
  | { readonly event: "handler-error"; readonly peer: string; readonly error: unknown }
  /** Connections over MaxConnections were closed; reported at once and then at most once a minute. */
  | { readonly event: "connection-refused"; readonly count: number; readonly maxConnections: number }
  /** Connections that held too much of the memory for all were closed; reported as often. */
  | { readonly event: "memory-budget"; readonly count: number; readonly octetsMax: number }
  /** Messages that held too much of the memory for all were answered 452 4.3.1; reported as often. */
  | { readonly event: "messages-deferred"; readonly count: number; readonly octetsMax: number }
  /** accept(2) has failed, for example for lack of descriptors; reported as often. */
  | { readonly event: "accept-error"; readonly count: number; readonly code: string };

/** Counters of a server since its start, and what is open now. */
export interface ServerStatistics {
  readonly open: number;
  /** Connections open in the middle of a message. */
  readonly busy: number;
  readonly accepted: number;
  readonly refused: number;
  readonly acceptErrors: number;
  readonly idleClosed: number;
  readonly overBudget: number;
  /** Messages that were answered 452 4.3.1 for what they held. */
  readonly deferred: number;
  readonly protocolErrors: number;
  readonly handlerErrors: number;
}

/** Where to listen: a Unix socket's path, an address and port, or a socket that is open already (systemd). */
export type ListenTarget =
  | { readonly path: string }
  | { readonly host: string; readonly port: number; readonly ipv6Only?: boolean }
  | { readonly fd: number };

/** `inet` over IPv4 and IPv6, where small writes wait for each other (Nagle). */
export type Transport = "unix" | "inet";

/** Limits that a reload may change. */
export interface ServerLimits {
  /** At least 1. */
  readonly maxConnections: number;
  /** Longest silence of an MTA that owes us something, in milliseconds. */
  readonly idleTimeoutMs: number;
}

export interface ServerOptions extends ServerLimits {
  /** Called for each connection; a reload changes what it returns for later ones. */
  readonly createHandler: (transport: Transport, resume: MilterSession["resume"]) => MilterHandler;
  /** Octets that all connections together may hold of what is not finished: see {@link MemoryBudget}. */
  readonly heldOctetsMax: number;
  /** Must not throw. */
  readonly onEvent: (event: ServerEvent) => void;
  /** How often the same problem is reported, in milliseconds: a minute where not given. */
  readonly reportIntervalMs?: number;
}

/** Connections the kernel keeps for us; an MTA under a burst is to wait, not to be refused. */
const BACKLOG = 1024;
/** A silent connection is closed after its timeout and at most this part of it more. */
const TICKS_PER_TIMEOUT = 8;
const TICK_MS_MAX = 60_000;

/** Serves milter connections until it is drained. Listening again afterwards takes another server. */
export class MilterServer {
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #owner: ConnectionOwner & { tick: number; draining: boolean };
  readonly #connections = new ConnectionTable();
  readonly #budget: MemoryBudget;
  readonly #refusals: RateLimitedCount;
  readonly #overBudget: RateLimitedCount;
  readonly #deferred: RateLimitedCount;
  readonly #acceptFailures: RateLimitedCount;
  readonly #counters = {
    accepted: 0,
    refused: 0,
    acceptErrors: 0,
    idleClosed: 0,
    overBudget: 0,
    deferred: 0,
    protocolErrors: 0,
    handlerErrors: 0,
  };
  #ticker: NodeJS.Timeout | undefined;
  #acceptErrorCode = "";
  /** What it listens on. */
  #transport: Transport = "unix";
  #whenEmpty: (() => void) | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { onEvent, heldOctetsMax, reportIntervalMs = 60_000 } = options;
    this.#budget = new MemoryBudget(heldOctetsMax);
    this.#owner = {
      tick: 0,
      draining: false,
      negotiator: new Negotiator(),
      createHandler: (resume) => options.createHandler(this.#transport, resume),
      account: (before, now) => this.#budget.account(before, now, this.#connections.size),
      overBudget: (what) => {
        this.#tellOverBudget(what);
      },
      failed: (connection, error) => {
        this.#failed(connection, error);
      },
      closed: (connection) => {
        this.#closed(connection);
      },
    };
    this.#refusals = new RateLimitedCount(reportIntervalMs, (count) => {
      onEvent({ event: "connection-refused", count, maxConnections: this.#server.maxConnections });
    });
    this.#overBudget = new RateLimitedCount(reportIntervalMs, (count) => {
      onEvent({ event: "memory-budget", count, octetsMax: heldOctetsMax });
    });
    this.#deferred = new RateLimitedCount(reportIntervalMs, (count) => {
      onEvent({ event: "messages-deferred", count, octetsMax: heldOctetsMax });
    });
    this.#acceptFailures = new RateLimitedCount(reportIntervalMs, (count) => {
      onEvent({ event: "accept-error", count, code: this.#acceptErrorCode });
    });
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#accept(socket);
    });
    this.#server.on("drop", () => {
      this.#counters.refused++;
      this.#refusals.add();
    });
    this.setLimits(options);
  }

  /**
   * Starts to accept. Rejects with the system's error (`EADDRINUSE`, `EACCES` and others) where that cannot be.
   * Mode and owner of a socket file, and what becomes of it, are the caller's.
   */
  async listen(target: ListenTarget): Promise<void> {
    const options: ListenOptions & { fd?: number } = { ...target, backlog: BACKLOG };
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(options, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    const bound = this.#server.address();
    this.#transport = typeof bound === "object" && bound !== null ? "inet" : "unix";
    this.#server.on("error", (error: NodeJS.ErrnoException) => {
      this.#counters.acceptErrors++;
      this.#acceptErrorCode = error.code ?? error.message;
      this.#acceptFailures.add();
    });
  }

  /** Whether connections are accepted. */
  get listening(): boolean {
    return this.#server.listening;
  }

  /** The port of an IP socket, for port 0; undefined for a Unix socket. */
  get port(): number | undefined {
    const bound = this.#server.address();
    return typeof bound === "object" ? bound?.port : undefined;
  }

  /** Changes the limits; connections over a lower maximum stay. */
  setLimits({ maxConnections, idleTimeoutMs }: ServerLimits): void {
    this.#server.maxConnections = maxConnections;
    clearInterval(this.#ticker);
    const tickMs = Math.max(1, Math.min(TICK_MS_MAX, Math.floor(idleTimeoutMs / TICKS_PER_TIMEOUT)));
    const ticks = Math.ceil(idleTimeoutMs / tickMs);
    for (const connection of this.#connections.all()) connection.lastTick = this.#owner.tick;
    this.#ticker = setInterval(() => {
      this.#owner.tick++;
      this.#closeSilent(ticks);
    }, tickMs).unref();
  }

  statistics(): ServerStatistics {
    let busy = 0;
    for (const connection of this.#connections.all()) if (connection.busy) busy++;
    return { open: this.#connections.size, busy, ...this.#counters };
  }

  /**
   * Stops accepting, closes connections without a message in progress, gives the others `shutdownTimeMs` to come
   * to the end of theirs, and resolves when all are closed.
   */
  async drain(shutdownTimeMs: number): Promise<void> {
    this.#owner.draining = true;
    clearInterval(this.#ticker);
    if (this.#server.listening) this.#server.close();
    this.#refusals.stop();
    this.#overBudget.stop();
    this.#deferred.stop();
    this.#acceptFailures.stop();
    for (const connection of this.#connections.all()) connection.closeWhenIdle();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const connection of this.#connections.all()) connection.destroy();
      }, shutdownTimeMs);
      this.#whenEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #accept(socket: Socket): void {
    this.#counters.accepted++;
    try {
      this.#connections.add(new Connection(this.#owner, socket));
    } catch (error) {
      this.#counters.handlerErrors++;
      this.#options.onEvent({ event: "handler-error", peer: socket.remoteAddress ?? "unix", error });
      socket.destroy();
    }
  }

  #tellOverBudget(what: "closed" | "deferred"): void {
    if (what === "closed") {
      this.#counters.overBudget++;
      this.#overBudget.add();
    } else {
      this.#counters.deferred++;
      this.#deferred.add();
    }
  }

  #closeSilent(ticks: number): void {
    const { tick } = this.#owner;
    for (const connection of this.#connections.all()) {
      if (connection.waiting) connection.lastTick = tick;
      else if (tick - connection.lastTick > ticks) {
        this.#counters.idleClosed++;
        connection.destroy();
      }
    }
  }

  #failed({ peer }: Connection, error: unknown): void {
    if (error instanceof ProtocolError) {
      this.#counters.protocolErrors++;
      this.#options.onEvent({ event: "protocol-error", peer, error });
    } else {
      this.#counters.handlerErrors++;
      this.#options.onEvent({ event: "handler-error", peer, error });
    }
  }

  #closed(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }
}

/**
 * Counts something that may happen very often and tells of it at most once an interval: the first time at
 * once, what follows as a sum when the interval is over.
 */
export class RateLimitedCount {
  readonly #intervalMs: number;
  readonly #tell: (count: number) => void;
  #untold = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number, tell: (count: number) => void) {
    this.#intervalMs = intervalMs;
    this.#tell = tell;
  }

  add(count = 1): void {
    this.#untold += count;
    if (this.#timer === undefined) this.#flush();
  }

  /** Tells what is left and stops the timer. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#untold > 0) this.#tellAll();
  }

  #flush(): void {
    this.#timer = undefined;
    if (this.#untold === 0) return;
    this.#tellAll();
    this.#timer = setTimeout(() => {
      this.#flush();
    }, this.#intervalMs).unref();
  }

  #tellAll(): void {
    const count = this.#untold;
    this.#untold = 0;
    this.#tell(count);
  }
}
