import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A user as passwd(5) has it. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Where users and groups are looked up; the files first, then getent(1), which also asks LDAP and the like. */
export interface AccountSources {
  readonly passwdFile: string;
  readonly groupFile: string;
  /** The line that getent prints, or an empty string. */
  readonly getent: (database: "passwd" | "group", name: string) => string;
}

/** The system's own. */
export const SYSTEM_ACCOUNTS: AccountSources = {
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

/** The user of that name, or undefined. */
export function findUser(name: string, sources: AccountSources = SYSTEM_ACCOUNTS): Account | undefined {
  const fields = fieldsOf("passwd", sources.passwdFile, name, sources);
  const [uid, gid] = [numberOf(fields?.[2]), numberOf(fields?.[3])];
  return uid === undefined || gid === undefined ? undefined : { name, uid, gid };
}

/** The number of the group of that name, or undefined. */
export function findGroup(name: string, sources: AccountSources = SYSTEM_ACCOUNTS): number | undefined {
  return numberOf(fieldsOf("group", sources.groupFile, name, sources)?.[2]);
}

function fieldsOf(
  database: "passwd" | "group",
  file: string,
  name: string,
  sources: AccountSources,
): string[] | undefined {
  return lineFor(readQuietly(file), name) ?? lineFor(sources.getent(database, name), name);
}

function lineFor(text: string, name: string): string[] | undefined {
  for (const line of text.split("\n")) {
    const fields = line.split(":");
    if (fields[0] === name) return fields;
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
