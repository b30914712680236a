import { lookup } from "node:dns/promises";
import { chmodSync, chownSync, lchownSync, lstatSync, unlinkSync } from "node:fs";
import { connect, isIP } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Account } from "./accounts.ts";
import { DaemonError, EXIT, systemCode } from "./daemon-error.ts";
import { isRoot } from "./privileges.ts";
import { takeLock } from "./start-lock.ts";

/** A socket to listen on: a path, or a port of an address or host name. */
export type ListenAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "inet" | "inet6"; readonly port: number; readonly host: string };

/**
 * Binds and listens: by the time it returns the address is taken, or the promise rejects with the system's error.
 */
export type Listen = (
  options:
    | { readonly path: string }
    | { readonly host: string; readonly port: number; readonly ipv6Only: boolean },
) => Promise<void>;

/** Mode and owner of a Unix socket. */
export interface SocketAccess {
  readonly mode: number;
  /** The user that the daemon becomes; undefined where it stays who it is. */
  readonly account: Account | undefined;
  readonly gid: number | undefined;
}

const LOCK_TRIES = 40;
const LOCK_WAIT_MS = 50;
const CONNECT_MS_MAX = 2_000;

/**
 * Listens at the address. A stale Unix socket is replaced; a live one and a file that is no socket are
 * left alone. The new socket is ours alone (umask 0177) until {@link openSocket}.
 *
 * @throws DaemonError with EX_UNAVAILABLE and the reason
 */
export async function bindSocket(
  listen: Listen,
  address: ListenAddress,
  access: SocketAccess,
): Promise<void> {
  if (address.kind !== "unix") {
    await bindInet(listen, address);
    return;
  }
  const release = await lockFor(address.path);
  try {
    await clearPath(address.path);
    const umask = process.umask(0o177);
    let listening: Promise<void>;
    try {
      // The bind itself happens before listen() returns.
      listening = listen({ path: address.path });
    } finally {
      process.umask(umask);
    }
    await listening;
    own(address.path, access);
  } catch (error) {
    throw unavailable(`Socket unix:${address.path}`, error);
  } finally {
    release();
  }
}

/**
 * Sets the mode of the socket. To be called after the privileges are dropped: in a folder that belongs to User,
 * root must not follow a path that User can change.
 *
 * @throws DaemonError with EX_UNAVAILABLE
 */
export function openSocket(address: ListenAddress, access: SocketAccess): void {
  if (address.kind !== "unix") return;
  try {
    if (!isRoot() && access.account === undefined && access.gid !== undefined) {
      chownSync(address.path, -1, access.gid);
    }
    chmodSync(address.path, access.mode);
  } catch (error) {
    throw unavailable(`Socket unix:${address.path}`, error);
  }
}

/** The new socket goes to User, without following a link that has taken its place. */
function own(path: string, { account, gid }: SocketAccess): void {
  if (isRoot() && account !== undefined) lchownSync(path, account.uid, gid ?? account.gid);
}

async function bindInet(listen: Listen, address: Exclude<ListenAddress, { kind: "unix" }>): Promise<void> {
  const family = address.kind === "inet" ? 4 : 6;
  const name = `Socket ${address.kind}:${address.port}@${address.host}`;
  try {
    const host = isIP(address.host) !== 0 ? address.host : (await lookup(address.host, { family })).address;
    await listen({ port: address.port, host, ipv6Only: family === 6 });
  } catch (error) {
    throw unavailable(name, error);
  }
}

/** Two starts at once: the second waits for the first to have bound, and then finds a live socket. */
async function lockFor(path: string): Promise<() => void> {
  for (let tries = 1; ; tries++) {
    let lock: ReturnType<typeof takeLock>;
    try {
      lock = takeLock(`${path}.lock`);
    } catch (error) {
      throw unavailable(`Socket unix:${path}`, error);
    }
    if (typeof lock !== "number") return lock;
    if (tries >= LOCK_TRIES) {
      throw new DaemonError(EXIT.unavailable, `Socket unix:${path}: process ${lock} is starting there`);
    }
    await delay(LOCK_WAIT_MS);
  }
}

/** Removes a socket that nobody listens on; refuses everything else that is in the way. */
async function clearPath(path: string): Promise<void> {
  try {
    if (!lstatSync(path).isSocket()) {
      throw new DaemonError(
        EXIT.unavailable,
        `Socket unix:${path}: a file that is no socket is there; it is not removed`,
      );
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  const answer = await connectTo(path);
  if (answer === "ENOENT") return;
  if (answer !== "ECONNREFUSED") {
    const why = answer === "" ? "a daemon answers there" : `it may be a daemon's (${answer})`;
    throw new DaemonError(EXIT.unavailable, `Socket unix:${path} is in use: ${why}`);
  }
  unlinkSync(path);
}

/** The error code of a connection attempt; empty where somebody accepts it. */
function connectTo(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const timer = setTimeout(() => {
      finish("ETIMEDOUT");
    }, CONNECT_MS_MAX);
    const finish = (code: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(code);
    };
    socket.once("connect", () => {
      finish("");
    });
    socket.once("error", (error) => {
      finish(systemCode(error));
    });
  });
}

function unavailable(name: string, error: unknown): DaemonError {
  if (error instanceof DaemonError) return error;
  const code = systemCode(error);
  const reason =
    code === "EADDRINUSE"
      ? "another program listens there"
      : code === "EACCES"
        ? "permission denied"
        : code === "EADDRNOTAVAIL"
          ? "this host has no such address"
          : error instanceof Error
            ? error.message
            : String(error);
  return new DaemonError(EXIT.unavailable, `${name} cannot be bound: ${reason}`, { cause: error });
}
