/** The engine that a client for Valkey and Redis leads to. Built into a file of its own, loaded only with SharedCache. */
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { Cluster, type Command, Redis, type RedisOptions } from "iovalkey";
import type { CacheEngine, EngineAddress, EngineError } from "./engine.ts";
import { isSlotMap, NODES_MAX, REPLY_OCTETS_MAX, ReplyGuard, SLOT_MAP_OCTETS_MAX } from "./replies.ts";

/** For each of several hosts: one that is silent leaves time for the next. */
const CONNECT_MS = 800;
/** Longer than the caller waits: it frees what the client keeps of a command. */
const COMMAND_MS = 2000;
/** Whatever the client's types say, it hands on what the engine sends. */
const NO_VALUE: EngineError = { kind: "reply", message: "the answer to GET is not a value" };

/** The client connects once, sends nothing that waits for a connection, and never connects again by itself. */
const ONCE = {
  lazyConnect: true,
  enableOfflineQueue: false,
  // It would need INFO; an engine that still loads its data answers with an error, which is as good.
  enableReadyCheck: false,
} as const;

/** @throws where the file of certificates cannot be read */
export function createEngine(address: EngineAddress): CacheEngine {
  const options = optionsOf(address);
  let opened = 0;
  return new ValkeyEngine(() => {
    const client = newClient({ ...address, hosts: rotated(address.hosts, opened++) }, options);
    if (client instanceof Cluster) boundNodes(client);
    return client;
  });
}

class ValkeyEngine implements CacheEngine {
  readonly #create: () => Redis | Cluster;
  #client: Redis | Cluster | undefined;
  /** What the client says beside the calls: that it could not sign on, for one. */
  #lastError: Error | undefined;

  constructor(create: () => Redis | Cluster) {
    this.#create = create;
  }

  open(done: (error?: EngineError) => void): void {
    this.close();
    const client = this.#create();
    this.#client = client;
    this.#lastError = undefined;
    // What it says before it gives up tells more than what it gives up with.
    client.on("error", (error: Error) => {
      if (this.#client === client) this.#lastError = error;
    });
    client.connect().then(
      () => {
        done();
      },
      (error: unknown) => {
        done(errorOf(this.#lastError ?? error));
      },
    );
  }

  get(key: string, done: (error: EngineError | undefined, value: Uint8Array | undefined) => void): void {
    const client = this.#client;
    if (client === undefined) {
      setImmediate(done, notConnected(), undefined);
      return;
    }
    client.getBuffer(key).then(
      (value) => {
        // The database could not be selected: this is what another one has.
        if (isReply(this.#lastError)) done(errorOf(this.#lastError), undefined);
        else if (value === null) done(undefined, undefined);
        else if (Buffer.isBuffer(value)) done(undefined, value);
        else done(NO_VALUE, undefined);
      },
      (error: unknown) => {
        done(this.#reasonOf(error), undefined);
      },
    );
  }

  set(key: string, value: Uint8Array, ttlMs: number, done: (error: EngineError | undefined) => void): void {
    const client = this.#client;
    if (client === undefined) {
      setImmediate(done, notConnected());
      return;
    }
    client.set(key, Buffer.from(value.buffer, value.byteOffset, value.length), "PX", Math.ceil(ttlMs)).then(
      () => {
        done(undefined);
      },
      (error: unknown) => {
        done(this.#reasonOf(error));
      },
    );
  }

  close(): void {
    this.#client?.disconnect();
    this.#client = undefined;
  }

  /** Why signing on has failed, or the connection has ended, tells more than that every call now fails. */
  #reasonOf(error: unknown): EngineError {
    const problem = errorOf(error);
    const isOver = problem.kind === "connect" || problem.message.startsWith("NOAUTH");
    return isOver && this.#lastError !== undefined ? errorOf(this.#lastError) : problem;
  }
}

function newClient(address: EngineAddress, options: RedisOptions): Redis | Cluster {
  const { hosts, path, sentinel } = address;
  if (path !== undefined) return new Redis({ ...ONCE, ...options, path });
  if (sentinel !== undefined) {
    const { tls, ...others } = options;
    return new Redis({
      ...ONCE,
      ...others,
      ...(tls === undefined ? {} : { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
      sentinels: hosts.map((host) => ({ ...host })),
      name: sentinel,
      sentinelCommandTimeout: CONNECT_MS,
      sentinelRetryStrategy: () => null,
    });
  }
  const [host, ...further] = hosts;
  if (host !== undefined && further.length === 0) return new Redis({ ...ONCE, ...options, ...host });
  return new Cluster([...hosts], {
    ...ONCE,
    redisOptions: { ...options, enableReadyCheck: ONCE.enableReadyCheck },
    clusterRetryStrategy: () => null,
    slotsRefreshTimeout: CONNECT_MS,
  });
}

/** Each time another one is the first: one that is silent must not take the time of a probe again and again. */
function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const start = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

/** An engine names its nodes, also in what it redirects to: each is a connection. */
function boundNodes(cluster: Cluster): void {
  cluster.on("+node", () => {
    if (cluster.nodes().length <= NODES_MAX) return;
    cluster.emit("error", new Error(`the cluster names more than ${NODES_MAX} nodes`));
    cluster.disconnect();
  });
}

/** What every connection of the client has, also those it makes by itself: to Sentinels, or for the slots of a cluster. */
interface Connection {
  readonly stream: Socket;
  /** What is sent and not answered. */
  readonly commandQueue: { readonly length: number };
  setStatus: (this: Connection, status: string, detail?: unknown) => void;
  sendCommand: (this: Connection, command: Command, stream?: unknown) => unknown;
}

/** Connections that ask for the slots of a cluster. */
const askingForSlots = new WeakSet<Connection>();

/** Has whatever comes over any connection looked at first: the client makes some that it tells nobody of. */
function guardConnections(prototype: Connection): void {
  const { setStatus, sendCommand } = prototype;
  prototype.setStatus = function (status, detail) {
    setStatus.call(this, status, detail);
    // What reads it is put in its place in this tick, and nothing comes before the next.
    if (status === "connect") process.nextTick(guardStream, this);
  };
  prototype.sendCommand = function (command, stream) {
    // The client itself waits for some of them no longer.
    command.promise.catch(() => undefined);
    if (command.name === "cluster") {
      askingForSlots.add(this);
      const { resolve } = command;
      command.resolve = (reply) => {
        if (isSlotMap(reply)) resolve(reply);
        else command.reject(new Error("the answer to CLUSTER SLOTS is no map of slots"));
      };
    }
    return sendCommand.call(this, command, stream);
  };
}

function guardStream(connection: Connection): void {
  const { stream } = connection;
  const guard = new ReplyGuard();
  const readers = stream.listeners("data") as ((chunk: Buffer) => void)[];
  stream.removeAllListeners("data");
  stream.on("data", (chunk: Buffer) => {
    if (stream.destroyed) return;
    const octetsMax = askingForSlots.has(connection) ? SLOT_MAP_OCTETS_MAX : REPLY_OCTETS_MAX;
    const problem = guard.look(chunk, connection.commandQueue.length, octetsMax);
    if (problem !== undefined) {
      stream.destroy(new Error(problem));
      return;
    }
    try {
      for (const read of readers) read(chunk);
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

guardConnections(Redis.prototype as unknown as Connection);

function optionsOf({ tls, username, password, db, caFile }: EngineAddress): RedisOptions {
  return {
    connectTimeout: CONNECT_MS,
    commandTimeout: COMMAND_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    autoResubscribe: false,
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: caFile === undefined ? {} : { ca: readFileSync(caFile) } } : {}),
  };
}

function notConnected(): EngineError {
  return { kind: "connect", message: "there is no connection" };
}

/**
 * An error that the engine has answered with has its code in front: `NOAUTH Authentication required.` Where no node of a
 * cluster would say what it has, the reason of the last one is told.
 */
function errorOf(error: unknown): EngineError {
  if (error instanceof Error && "lastNodeError" in error && error.lastNodeError instanceof Error) {
    return errorOf(error.lastNodeError);
  }
  const message = error instanceof Error ? error.message : String(error);
  return { kind: isReply(error) ? "reply" : "connect", message };
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}
