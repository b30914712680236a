import { lookup } from "node:dns/promises";
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { connect, isIP } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DaemonError, EXIT, systemCode, systemReason } from "./errors.ts";
import { type Account, canDropPrivileges, isRoot } from "./privileges.ts";
import { takeLock } from "./run-files.ts";

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
  /** The option that asks for it, for messages. */
  readonly option?: string;
}

/** What every system has room for (sun_path). */
const PATH_OCTETS_MAX = 103;
const LOCK_TRIES = 40;
const LOCK_WAIT_MS = 50;
const CONNECT_MS_MAX = 2_000;

/** A socket that is bound. */
export interface BoundSocket {
  /** Takes the file of a Unix socket away, unless another one is there by now. */
  remove(): void;
}

/**
 * Listens at the address. A stale Unix socket is replaced; a live one and a file that is not a socket are left alone.
 * The new socket is bound under another name and umask 0177, gets owner and mode, and only then its name: whoever
 * finds it may use it.
 *
 * @throws DaemonError with EX_UNAVAILABLE and the reason
 */
export async function bindSocket(
  listen: Listen,
  address: ListenAddress,
  access: SocketAccess,
): Promise<BoundSocket> {
  const { option = "Socket" } = access;
  if (address.kind !== "unix") {
    await bindInet(listen, address, option);
    return { remove: () => undefined };
  }
  const { path } = address;
  const name = `${option} unix:${path}`;
  const release = await lockFor(path, name);
  try {
    await refuseOccupied(path, name);
    return await bindUnix(listen, path, access);
  } catch (error) {
    throw unavailable(name, error);
  } finally {
    release();
  }
}

async function bindUnix(listen: Listen, path: string, access: SocketAccess): Promise<BoundSocket> {
  const { mode, account, gid } = access;
  const { temporary, act, leave } = workplaceFor(path, account);
  try {
    // The bind itself happens before listen() returns.
    await act(() => {
      rmSync(temporary, { force: true });
      const umask = process.umask(0o177);
      try {
        return listen({ path: temporary });
      } finally {
        process.umask(umask);
      }
    });
    giveTo(temporary, account, gid);
    act(() => {
      chmodSync(temporary, mode);
      renameSync(temporary, path);
    });
  } finally {
    leave();
  }
  return adoptSocket(path);
}

/** The socket file that is there now, to be removed later. */
export function adoptSocket(path: string): BoundSocket {
  const { dev, ino } = lstatSync(path);
  return {
    remove: () => {
      try {
        const found = lstatSync(path);
        // The system gives numbers of removed files to new ones.
        if (found.isSocket() && found.dev === dev && found.ino === ino) unlinkSync(path);
      } catch {
        // Gone already, or in a directory that is not ours.
      }
    },
  };
}

/** Where a socket is made ready before it gets its name. */
interface Workplace {
  readonly temporary: string;
  /** Runs something with the rights that the place asks for. */
  readonly act: <T>(what: () => T) => T;
  /** Removes what is left there. */
  readonly leave: () => void;
}

/**
 * In a directory of User's, root must not set mode or owner by a path that User could lead elsewhere in the same
 * moment. So that is done with the rights of User, or, where this Node cannot take them, in a directory of root's.
 */
function workplaceFor(path: string, account: Account | undefined): Workplace {
  const temporary = temporaryFor(path);
  const leave = (): void => {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // User's own directory, and something else there by now.
    }
  };
  const directory = dirname(path);
  if (account === undefined || !isRoot() || statSync(directory).uid !== account.uid) {
    return { temporary, act: (what) => what(), leave };
  }
  if (!canDropPrivileges()) {
    const own = makePrivateDirectory(directory);
    return {
      temporary: join(own.path, "socket"),
      act: (what) => what(),
      leave: () => {
        own.remove("socket");
      },
    };
  }
  return {
    temporary,
    act: (what) => {
      process.seteuid?.(account.uid);
      try {
        return what();
      } finally {
        process.seteuid?.(0);
      }
    },
    leave,
  };
}

/** A name in the same directory, and no longer than the path: the system would silently cut off what does not fit. */
function temporaryFor(path: string): string {
  const temporary = join(dirname(path), `.s${process.pid.toString(36)}`);
  if (Buffer.byteLength(temporary) > PATH_OCTETS_MAX) {
    throw new Error("the path is too long: shorten it, or give the socket a name of eight letters or more");
  }
  return temporary;
}

/** To User and SocketGroup, as far as that is not so already. A link is not followed, nor a second name taken. */
function giveTo(path: string, account: Account | undefined, gid: number | undefined): void {
  const stat = lstatSync(path);
  if (!stat.isSocket() || stat.nlink !== 1) throw new Error("another file has taken its place");
  if (!isRoot()) {
    if (gid !== undefined) lchownSync(path, stat.uid, gid);
  } else if (account !== undefined) {
    lchownSync(path, account.uid, gid ?? account.gid);
  }
}

async function bindInet(
  listen: Listen,
  address: Exclude<ListenAddress, { kind: "unix" }>,
  option: string,
): Promise<void> {
  const family = address.kind === "inet" ? 4 : 6;
  const name = `${option} ${address.kind}:${address.port}@${address.host}`;
  try {
    const host = isIP(address.host) !== 0 ? address.host : (await lookup(address.host, { family })).address;
    await listen({ port: address.port, host, ipv6Only: family === 6 });
  } catch (error) {
    throw unavailable(name, error);
  }
}

/** Two starts at once: the second waits for the first to have bound, and then finds a live socket. */
async function lockFor(path: string, name: string): Promise<() => void> {
  for (let tries = 1; ; tries++) {
    let lock: ReturnType<typeof takeLock>;
    try {
      lock = takeLock(`${path}.lock`);
    } catch (error) {
      throw unavailable(name, error);
    }
    if (typeof lock !== "number") return lock;
    if (tries >= LOCK_TRIES) {
      throw new DaemonError(EXIT.unavailable, `${name}: process ${lock} is starting there`);
    }
    await delay(LOCK_WAIT_MS);
  }
}

/** Refuses everything that is in the way but a socket that nobody listens on. */
async function refuseOccupied(path: string, name: string): Promise<void> {
  try {
    if (!lstatSync(path).isSocket()) {
      throw new DaemonError(EXIT.unavailable, `${name}: the file there is not a socket; it is not removed`);
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  const answer = await connectTo(path);
  if (answer === "ENOENT" || answer === "ECONNREFUSED") return;
  const why = answer === "" ? "a daemon answers there" : `it may be a daemon's (${answer})`;
  throw new DaemonError(EXIT.unavailable, `${name} is in use: ${why}`);
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
  return new DaemonError(EXIT.unavailable, `${name} cannot be bound: ${systemReason(error)}`, {
    cause: error,
  });
}

/** A directory that only root can use. */
export interface PrivateDirectory {
  /** A path that leads to this very directory, whatever is renamed. Needs /proc. */
  readonly path: string;
  /** Takes the directory away, and what was left in it under that name. */
  remove(name: string): void;
}

/**
 * Makes a directory of root's in one that belongs to another user. That user can rename it and put something else in
 * its place, so it is looked at once it is open, and used through the descriptor from then on.
 *
 * @throws system errors, and an error where another one has taken its place
 */
export function makePrivateDirectory(directory: string): PrivateDirectory {
  const name = mkdtempSync(join(directory, ".smf-spf-"));
  const fd = openSync(name, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const stat = fstatSync(fd);
  if (stat.uid !== 0 || (stat.mode & 0o777) !== 0o700) {
    closeSync(fd);
    throw new Error(`another directory has taken the place of ${name}`);
  }
  const path = `/proc/self/fd/${fd}`;
  return {
    path,
    remove: (file) => {
      rmSync(join(path, file), { force: true });
      closeSync(fd);
      try {
        rmdirSync(name);
      } catch {
        // Renamed by the directory's owner, whose litter it is then.
      }
    },
  };
}
