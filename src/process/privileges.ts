/** Users and groups of the system, and how root becomes one of them. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { DaemonError, EXIT } from "./errors.ts";

/** A user as passwd(5) has it. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Where users and groups are looked up; the files first, then getent(1), which also asks LDAP and others. */
export interface AccountSources {
  readonly passwdFile: string;
  readonly groupFile: string;
  /** The line that getent prints, or an empty string. */
  readonly getent: (database: "passwd" | "group", name: string) => string;
}

/** The system's own. */
const SYSTEM_ACCOUNTS: AccountSources = {
  passwdFile: "/etc/passwd",
  groupFile: "/etc/group",
  getent: (database, name) => {
    try {
      return execFileSync("getent", [database, "--", name], {
        encoding: "latin1",
        env: { PATH: "/usr/bin:/bin" },
        cwd: "/",
        stdio: ["ignore", "pipe", "ignore"],
        timeout: 10_000,
      });
    } catch {
      return "";
    }
  },
};

/**
 * The user of that name or number, or undefined. A number without an entry is a user all the same, as containers
 * have them: its group has the same number.
 */
export function findUser(name: string, sources: AccountSources = SYSTEM_ACCOUNTS): Account | undefined {
  const number = numberOf(name);
  const fields =
    fieldsOf("passwd", sources.passwdFile, name, sources) ??
    (number === undefined ? undefined : lineFor(readQuietly(sources.passwdFile), String(number), 2)) ??
    (number === undefined ? undefined : lineFor(sources.getent("passwd", String(number)), String(number), 2));
  if (fields === undefined) return number === undefined ? undefined : { name, uid: number, gid: number };
  const [uid, gid] = [numberOf(fields[2]), numberOf(fields[3])];
  return uid === undefined || gid === undefined ? undefined : { name: fields[0] ?? name, uid, gid };
}

/** Whether the system has an entry for the account, and so its supplementary groups. */
export function hasEntry({ name }: Account): boolean {
  return numberOf(name) === undefined;
}

/** The number of the group of that name or number, or undefined. */
export function findGroup(name: string, sources: AccountSources = SYSTEM_ACCOUNTS): number | undefined {
  return numberOf(fieldsOf("group", sources.groupFile, name, sources)?.[2]) ?? numberOf(name);
}

function fieldsOf(
  database: "passwd" | "group",
  file: string,
  name: string,
  sources: AccountSources,
): string[] | undefined {
  return lineFor(readQuietly(file), name) ?? lineFor(sources.getent(database, name), name);
}

function lineFor(text: string, value: string, column = 0): string[] | undefined {
  for (const line of text.split("\n")) {
    const fields = line.split(":");
    if (fields[column] === value) return fields;
  }
  return undefined;
}

function readQuietly(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
}

/** Documented by Node, missing in its types. */
interface InitGroups {
  initgroups(user: string, extraGroup: number): void;
}

/** Whether this process is root's. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/**
 * Whether this Node can drop root privileges at all. One that is built on its distribution's libuv may not: that
 * libuv may use io_uring, whose helpers in the kernel would keep root (CVE-2024-22017). Debian 13 has such a libuv.
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
 * Drops root irrevocably: supplementary groups, group, user, in this order, then verifies that it is gone on
 * every thread and cannot be regained.
 *
 * @throws DaemonError with EX_OSERR where a call is refused or root is still there
 */
export function dropPrivileges(account: Account): void {
  const { setgid, setuid, setgroups, initgroups } = process as typeof process & Partial<InitGroups>;
  if (setgid === undefined || setuid === undefined || setgroups === undefined || initgroups === undefined) {
    throw new DaemonError(EXIT.osError, "this system has no users to change to");
  }
  try {
    if (hasEntry(account)) initgroups(account.name, account.gid);
    else setgroups([account.gid]);
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
    throw new DaemonError(
      EXIT.osError,
      `root privileges were not dropped for User ${account.name}: ${remains}`,
    );
  }
}

/** What is left of root, in words; undefined where nothing is. */
function remainsOfRoot(account: Account): string | undefined {
  if (process.getuid?.() !== account.uid || process.geteuid?.() !== account.uid)
    return "the process has another user ID";
  if (process.getgid?.() !== account.gid || process.getegid?.() !== account.gid)
    return "the process has another group ID";
  if (account.gid !== 0 && process.getgroups?.().includes(0) === true)
    return "the process is still in group 0";
  try {
    process.setuid?.(0);
    return "root can be regained";
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
    if (ids("Uid").some((id) => Number(id) !== account.uid)) return `thread ${thread} has another user ID`;
    if (ids("Gid").some((id) => Number(id) !== account.gid)) return `thread ${thread} has another group ID`;
    if (/[1-9a-f]/.test(ids("CapEff")[0] ?? "") || /[1-9a-f]/.test(ids("CapPrm")[0] ?? "")) {
      return `thread ${thread} has capabilities`;
    }
  }
  return undefined;
}
