import { readdirSync, readFileSync } from "node:fs";
import type { Account } from "./accounts.ts";
import { DaemonError, EXIT } from "./daemon-error.ts";

/** Documented by Node, missing in its types. */
interface InitGroups {
  initgroups(user: string, extraGroup: number): void;
}

/** Whether this process is root's. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/**
 * Whether this Node lets root be given up at all. One that is built upon its distribution's libuv may not: that
 * libuv may use io_uring, whose helpers in the kernel would keep root (CVE-2024-22017). Debian 13 has such a one.
 */
export function canDropPrivileges(): boolean {
  try {
    const uid = process.geteuid?.();
    if (uid !== undefined) process.seteuid?.(uid);
    return true;
  } catch {
    return false;
  }
}

/**
 * Gives root up for good: supplementary groups, group, user, in this order, then a look whether it is gone on
 * every thread and cannot be had back.
 *
 * @throws DaemonError with EX_OSERR where a call is refused or root is still there
 */
export function dropPrivileges(account: Account): void {
  const { setgid, setuid, initgroups } = process as typeof process & Partial<InitGroups>;
  if (setgid === undefined || setuid === undefined || initgroups === undefined) {
    throw new DaemonError(EXIT.osError, "this system has no users to change to");
  }
  try {
    initgroups(account.name, account.gid);
    setgid(account.gid);
    setuid(account.uid);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DaemonError(EXIT.osError, `cannot become User ${account.name}: ${reason}`, { cause: error });
  }
  verifyPrivileges(account);
}

/** Looks whether this process is the user, and nothing but the user. @throws DaemonError with EX_OSERR */
export function verifyPrivileges(account: Account): void {
  const remains = remainsOfRoot(account);
  if (remains !== undefined) {
    throw new DaemonError(EXIT.osError, `root was not given up for User ${account.name}: ${remains}`);
  }
}

/** What is left of root, in words; undefined where nothing is. */
function remainsOfRoot(account: Account): string | undefined {
  if (process.getuid?.() !== account.uid || process.geteuid?.() !== account.uid) return "the user is another";
  if (process.getgid?.() !== account.gid || process.getegid?.() !== account.gid)
    return "the group is another";
  if (account.gid !== 0 && process.getgroups?.().includes(0) === true) return "group 0 is still there";
  try {
    process.setuid?.(0);
    return "root can be had back";
  } catch {
    // As it must be.
  }
  return remainsOnThreads(account);
}

/** Linux keeps credentials for each thread, so each is looked at: real, effective, saved, filesystem. */
function remainsOnThreads(account: Account): string | undefined {
  let threads: string[];
  try {
    threads = readdirSync("/proc/self/task");
  } catch {
    return undefined;
  }
  for (const thread of threads) {
    let status: string;
    try {
      status = readFileSync(`/proc/self/task/${thread}/status`, "latin1");
    } catch {
      continue;
    }
    const ids = (name: string): string[] =>
      new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.split(/\s+/) ?? [];
    if (ids("Uid").some((id) => Number(id) !== account.uid)) return `thread ${thread} has another user`;
    if (ids("Gid").some((id) => Number(id) !== account.gid)) return `thread ${thread} has another group`;
    if (/[1-9a-f]/.test(ids("CapEff")[0] ?? "") || /[1-9a-f]/.test(ids("CapPrm")[0] ?? "")) {
      return `thread ${thread} has capabilities`;
    }
  }
  return undefined;
}
