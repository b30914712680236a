/** What is kept from an engine such as Valkey or Redis: four functions, so that a client can be replaced. */

/** Where an engine is, and how to sign on to it. */
export interface EngineAddress {
  /** One server, several nodes of a cluster, or several Sentinels; empty for a Unix socket. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** The Unix socket. */
  readonly path: string | undefined;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** The number of the database. */
  readonly db: number;
  /** The name of the master that the hosts, which then are Sentinels, are asked for. */
  readonly sentinel: string | undefined;
  /** The file of the certificates that vouch for the engine, where those of the system do not. */
  readonly caFile: string | undefined;
}

/** Why a call of an engine came to nothing. A plain value: a class would be another one in another bundle. */
export interface EngineError {
  /** connect: there is no connection. reply: the engine answered with an error. */
  readonly kind: "connect" | "reply";
  readonly message: string;
}

/**
 * A connection to an engine. `done` is called once, in a later tick; whoever calls has time limits of his own and does
 * not rely on any here.
 */
export interface CacheEngine {
  /** Connects; after {@link close} it may be called again. */
  open(done: (error?: EngineError) => void): void;
  /** Undefined without an error: there is no such key. */
  get(key: string, done: (error: EngineError | undefined, value: Uint8Array | undefined) => void): void;
  /** @param ttlMs after which the engine forgets it */
  set(key: string, value: Uint8Array, ttlMs: number, done: (error: EngineError | undefined) => void): void;
  /** Drops the connection, and whatever waits for it. */
  close(): void;
}
