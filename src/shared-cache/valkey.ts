/** The engine behind a client for Valkey and Redis. Built into a file of its own, loaded only with SharedCache. */
import { readFileSync } from "node:fs";
import { Cluster, Redis, type RedisOptions } from "iovalkey";
import type { CacheEngine, EngineAddress, EngineError } from "./engine.ts";

const CONNECT_MS = 2000;
/** Longer than whoever calls waits: it frees what the client keeps of a command. */
const COMMAND_MS = 2000;

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
  return new ValkeyEngine(() => newClient(address, options));
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
        done(undefined, value ?? undefined);
      },
      (error: unknown) => {
        const problem = errorOf(error);
        // It says so of every call where signing on has failed; why that failed tells more.
        const isSignedOff = problem.message.startsWith("NOAUTH") && this.#lastError !== undefined;
        done(isSignedOff ? errorOf(this.#lastError) : problem, undefined);
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
        done(errorOf(error));
      },
    );
  }

  close(): void {
    this.#client?.disconnect();
    this.#client = undefined;
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
      sentinelRetryStrategy: () => null,
    });
  }
  const [host, ...further] = hosts;
  if (host !== undefined && further.length === 0) return new Redis({ ...ONCE, ...options, ...host });
  return new Cluster([...hosts], {
    ...ONCE,
    redisOptions: options,
    clusterRetryStrategy: () => null,
    slotsRefreshTimeout: CONNECT_MS,
  });
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

/** An error that the engine has answered with has its code in front: `NOAUTH Authentication required.` */
function errorOf(error: unknown): EngineError {
  const message = error instanceof Error ? error.message : String(error);
  const isReply = error instanceof Error && error.name === "ReplyError";
  return { kind: isReply ? "reply" : "connect", message };
}
