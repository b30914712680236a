/** The engine that a client for Valkey and Redis leads to. Built into a file of its own, loaded only with SharedCache. */
import { readFileSync } from "node:fs";
import { Cluster, Redis, type RedisOptions } from "iovalkey";
import type { CacheEngine, EngineAddress, EngineError } from "./engine.ts";

/** For each of several hosts: one that is silent leaves time for the next. */
const CONNECT_MS = 800;
/** Longer than the caller waits: it frees what the client keeps of a command. */
const COMMAND_MS = 2000;
/**
 * What a connection may bring without completing an answer. The client collects an answer in memory, and an engine has
 * values of up to 512 MB.
 */
const UNANSWERED_OCTETS_MAX = 1024 * 1024;

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
    if (client instanceof Redis) boundAnswers(client);
    else client.on("+node", boundAnswers);
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

/** Ends a connection that brings more than any answer of ours can have. */
function boundAnswers(node: Redis): void {
  let octets = 0;
  node.on("connect", () => {
    const { stream } = node;
    octets = 0;
    // The client has read a chunk before this is told of it, and what has waited for an answer runs after it.
    stream.on("data", (chunk: Buffer) => {
      octets += chunk.length;
      if (octets > UNANSWERED_OCTETS_MAX) stream.destroy(new Error("an answer is too large"));
    });
  });
  const send = node.sendCommand.bind(node);
  const answered = (): void => {
    octets = 0;
  };
  node.sendCommand = (command, stream) => {
    command.promise.then(answered, (error: unknown) => {
      if (isReply(error)) answered();
    });
    return send(command, stream);
  };
}

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
