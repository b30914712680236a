/** SharedCache: the key, the client, and the cache that is made of them. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { formatEngine, type Settings } from "../config/index.ts";
import { DaemonError, EXIT, systemCode } from "../process/index.ts";
import { SharedCache } from "../shared-cache/index.ts";
import { loadPart } from "./parts.ts";

/** A key that can be guessed would let anyone who writes to the engine make a pass. */
const KEY_OCTETS_MIN = 32;
const KEY_OCTETS_MAX = 4096;
const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o022;

/**
 * The cache of the settings, which connects when it is started; undefined without SharedCache, and then no client is
 * loaded.
 *
 * @throws DaemonError where key or certificates cannot be used, or the client is missing
 */
export async function openSharedCache(
  { sharedCache: address, sharedCacheKey }: Settings,
  tell: (text: string) => void,
): Promise<SharedCache | undefined> {
  if (address === undefined || sharedCacheKey === undefined) return undefined;
  const key = readKey(sharedCacheKey);
  if ("problem" in key) throw new DaemonError(EXIT.config, `SharedCacheKey ${key.problem}`);
  const { createEngine } = await loadPart("shared-cache");
  const name = formatEngine(address);
  try {
    return new SharedCache({
      engine: createEngine(address),
      secret: key.secret,
      name,
      wallMs: () => Date.now(),
      tell,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DaemonError(EXIT.config, `SharedCache ${name}: ${reason}`);
  }
}

/** Why that file cannot be SharedCacheKey; undefined where it can, or where this process may not read it. */
export function keyFileProblem(path: string): string | undefined {
  const key = readKey(path);
  return "problem" in key && key.code !== "EACCES" ? key.problem : undefined;
}

type Key = { readonly secret: Uint8Array } | { readonly problem: string; readonly code?: string | undefined };

function readKey(path: string): Key {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT") {
      return {
        problem: `${path} does not exist: make it with "openssl rand -base64 48", the same on all hosts`,
      };
    }
    return {
      problem: `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      code,
    };
  }
  try {
    const { mode, size } = fstatSync(file);
    if (!fstatSync(file).isFile()) return { problem: `${path} is not a file` };
    if ((mode & (OTHERS_READ | OTHERS_WRITE)) !== 0) {
      return { problem: `${path} is open to others: chmod 640 ${path}, and chgrp to the group of User` };
    }
    if (size > KEY_OCTETS_MAX) return { problem: `${path} has more than ${KEY_OCTETS_MAX} octets` };
    const secret = Buffer.from(readFileSync(file, "latin1").trim(), "latin1");
    if (secret.length >= KEY_OCTETS_MIN) return { secret };
    return { problem: `${path} has ${secret.length} octets; a key has at least ${KEY_OCTETS_MIN}` };
  } finally {
    closeSync(file);
  }
}
