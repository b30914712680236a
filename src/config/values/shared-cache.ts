import type { EngineAddress } from "../../shared-cache/index.ts";
import { shown } from "../lines.ts";
import { invalid, ok, type Reading, type ValueKind, wordKind } from "./value-kind.ts";

const ACCEPTED =
  "redis://[user:password@]host[:port][/database], rediss:// for TLS, valkey://, valkeys:// or unix:/path";
const DEFAULT_PORT = 6379;
const SENTINEL_PORT = 26_379;
const HIDDEN = "***";

/**
 * The engine of SharedCache. Several hosts, separated by commas, are the nodes of a cluster; with `?sentinel=NAME` they
 * are Sentinels. A password is written as *** wherever the value is shown.
 */
export const engineAddress: ValueKind<EngineAddress> = {
  accepted: ACCEPTED,
  format: formatEngine,
  read: ({ words: [word, ...others] }) => {
    if (word === undefined || word === "") return invalid(`missing address: expected ${ACCEPTED}`);
    const reading = readEngine(word);
    if ("fault" in reading) {
      const why = reading.fault === "" ? "" : `${reading.fault}; `;
      return invalid(`invalid address ${shown(withoutPassword(word))}: ${why}expected ${ACCEPTED}`);
    }
    if (others.length === 0) return reading;
    return ok(reading.value, ...reading.warnings, "what follows the address is ignored: give one address");
  },
};

/** The file with SharedCacheKey: the key itself does not belong into a file that everybody reads. */
export const keyFile: ValueKind<string> = wordKind(
  "key file",
  "file: and the full path of a file, such as file:/etc/mail/smfs/shared.key",
  (word) => {
    const [, path] = /^file:(\/.*[^/])$/.exec(word) ?? [];
    return path === undefined ? invalid() : ok(path);
  },
  (path) => `file:${path}`,
);

function readEngine(word: string): Reading<EngineAddress> {
  const [, unixPath, unixQuery] = /^unix:([^?]*)(?:\?(.*))?$/i.exec(word) ?? [];
  if (unixPath !== undefined) {
    if (!unixPath.startsWith("/")) return invalid("the path must begin with /");
    const query = readQuery(unixQuery, ["db", "user", "password"]);
    if (typeof query === "string") return invalid(query);
    return withDatabase(query.get("db"), (db) => ({
      ...{ hosts: [], path: unixPath, tls: false, sentinel: undefined, caFile: undefined, db },
      ...{ username: query.get("user"), password: query.get("password") },
    }));
  }
  const [, scheme, userInfo, hostList = "", db, queryText] =
    /^(redis|rediss|valkey|valkeys):\/\/(?:([^/?]*)@)?([^/?@]*)(?:\/([^?]*))?(?:\?(.*))?$/i.exec(word) ?? [];
  if (scheme === undefined) return invalid();
  const tls = /^(?:rediss|valkeys)$/i.test(scheme);
  const query = readQuery(queryText, tls ? ["sentinel", "ca"] : ["sentinel"]);
  if (typeof query === "string") return invalid(query);
  const sentinel = query.get("sentinel");
  const caFile = query.get("ca");
  if (caFile !== undefined && !caFile.startsWith("/")) return invalid("ca= needs the full path of a file");
  const hosts = hostList
    .split(",")
    .map((text) => hostOf(text, sentinel === undefined ? DEFAULT_PORT : SENTINEL_PORT));
  const known = hosts.filter((host) => host !== undefined);
  if (known.length < hosts.length) return invalid("the host is missing, or its port is not from 1 to 65535");
  if (known.length > 1 && sentinel === undefined && Number(db ?? 0) !== 0)
    return invalid("a cluster has only database 0");
  const user = userOf(userInfo);
  if (user === undefined) return invalid('write "%25" for "%" in the password');
  return withDatabase(db, (number) => ({
    hosts: known,
    path: undefined,
    tls,
    ...user,
    db: number,
    sentinel,
    caFile,
  }));
}

function withDatabase(text: string | undefined, make: (db: number) => EngineAddress): Reading<EngineAddress> {
  if (text === undefined || text === "") return ok(make(0));
  return /^\d{1,5}$/.test(text) ? ok(make(Number(text))) : invalid("the database is not a number");
}

/** Its values, or what is wrong with it. */
function readQuery(text: string | undefined, names: readonly string[]): ReadonlyMap<string, string> | string {
  const query = new Map<string, string>();
  for (const part of text === undefined || text === "" ? [] : text.split("&")) {
    const [, name = "", value = ""] = /^([^=]*)=(.*)$/.exec(part) ?? [];
    if (!names.includes(name)) {
      return `only ${names.map((known) => `${known}=`).join(" and ")} may follow "?"`;
    }
    const decoded = percentDecoded(value);
    if (decoded === undefined || decoded === "") return `invalid value of ${name}=`;
    query.set(name, decoded);
  }
  return query;
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function hostOf(text: string, defaultPort: number): { host: string; port: number } | undefined {
  const [, v6, name, portText] =
    /^(?:\[([\da-f:.]+)\]|([a-z0-9_](?:[\w.-]*\w)?))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = v6 ?? name;
  const port = portText === undefined ? defaultPort : Number(portText);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

function userOf(text: string | undefined): Pick<EngineAddress, "username" | "password"> | undefined {
  if (text === undefined || text === "") return { username: undefined, password: undefined };
  const [, name = "", password = ""] = /^([^:]*)(?::(.*))?$/.exec(text) ?? [];
  // redis://password@host is what some write; a user without a password is none.
  const [user, secret] = text.includes(":") ? [name, password] : ["", name];
  const username = percentDecoded(user);
  const decoded = percentDecoded(secret);
  if (username === undefined || decoded === undefined) return undefined;
  return { username: username === "" ? undefined : username, password: decoded === "" ? undefined : decoded };
}

/** The address as an option has it, its password as ***. */
export function formatEngine(address: EngineAddress): string {
  const { hosts, path, tls, username, password, db, sentinel, caFile } = address;
  const secret = password === undefined ? undefined : HIDDEN;
  const queryOf = (values: Readonly<Record<string, string | undefined>>): string => {
    const parts = Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : `${name}=${name === "ca" ? encodeURI(value) : encodeURIComponent(value)}`,
    );
    return parts.length === 0 ? "" : `?${parts.join("&")}`;
  };
  if (path !== undefined) {
    return `unix:${path}${queryOf({ db: db === 0 ? undefined : String(db), user: username, password: secret })}`;
  }
  const defaultPort = sentinel === undefined ? DEFAULT_PORT : SENTINEL_PORT;
  const list = hosts.map(
    ({ host, port }) => `${host.includes(":") ? `[${host}]` : host}${port === defaultPort ? "" : `:${port}`}`,
  );
  const hasUser = username !== undefined || secret !== undefined;
  const user = hasUser ? `${encodeURIComponent(username ?? "")}:${secret ?? ""}@` : "";
  return `${tls ? "rediss" : "redis"}://${user}${list.join(",")}${db === 0 ? "" : `/${db}`}${queryOf({ sentinel, ca: caFile })}`;
}

/** For messages about what cannot be read. */
function withoutPassword(word: string): string {
  return word.replace(/^([a-z]*:\/*)?.*@/i, `$1${HIDDEN}@`).replace(/(password=)[^&]*/i, `$1${HIDDEN}`);
}
