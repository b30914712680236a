import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";

/** Where questions are sent. */
export interface Nameserver {
  /** An IP address; a link-local one may end in a zone (`fe80::1%eth0`). */
  readonly address: string;
  readonly port: number;
}

/** The servers in force, which may change while a resolver is at work. */
export interface NameserverList {
  /**
   * The same array until the servers change.
   *
   * @param failing lookups fail: worth a look at once
   */
  current(failing?: boolean): readonly Nameserver[];
}

/** The port of DNS (RFC 1035 section 4.2). */
export const DNS_PORT = 53;

/** What resolv.conf(5) falls back to. */
const LOCAL: readonly Nameserver[] = [{ address: "127.0.0.1", port: DNS_PORT }];
/** MAXNS of resolv.h: libc uses no more. */
const SERVERS_MAX = 3;

/** How soon a change is seen, and how soon while lookups fail. */
const LOOK_EVERY_MS = 5000;
const LOOK_WHILE_FAILING_MS = 1000;

/** `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]:5353`: the port only where it is another than 53. */
export function formatNameserver({ address, port }: Nameserver): string {
  if (port === DNS_PORT) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The other way: `ADDR`, `ADDR:PORT` or `[IPV6]:PORT`; port 53 where none is given, undefined where it is none of them. */
export function parseNameserver(text: string): Nameserver | undefined {
  if (isIP(text) !== 0) return { address: text, port: DNS_PORT };
  const [, v6, v4 = "", digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = v6 ?? v4;
  const port = Number(digits ?? DNS_PORT);
  return isIP(address) === 0 || port < 1 || port > 65_535 ? undefined : { address, port };
}

/**
 * The first three name servers of a resolv.conf(5) text, in order and each once. All other lines are passed over:
 * time-outs and tries are settings of our own, search lists must not touch names of SPF.
 */
export function parseResolvConf(text: string): Nameserver[] {
  const addresses = new Set<string>();
  for (const line of text.split("\n")) {
    const [keyword, address = ""] = line.trim().split(/\s+/);
    if (keyword === "nameserver" && isIP(address) !== 0) addresses.add(address);
  }
  return [...addresses].slice(0, SERVERS_MAX).map((address) => ({ address, port: DNS_PORT }));
}

/**
 * The name servers of this machine, followed as libc does: the file may be empty while the machine starts and
 * change with the network. The server on 127.0.0.1 where the file is missing or names none.
 */
export class SystemNameservers implements NameserverList {
  readonly #path: string;
  readonly #nowMs: () => number;
  #servers: readonly Nameserver[];
  #version: string | undefined;
  #lookedMs: number;

  constructor(path = "/etc/resolv.conf", nowMs: () => number = () => performance.now()) {
    this.#path = path;
    this.#nowMs = nowMs;
    this.#lookedMs = nowMs();
    this.#version = versionOf(path);
    this.#servers = read(path);
  }

  current(failing = false): readonly Nameserver[] {
    const nowMs = this.#nowMs();
    const dueMs = this.#lookedMs + (failing ? LOOK_WHILE_FAILING_MS : LOOK_EVERY_MS);
    if (nowMs < dueMs) return this.#servers;
    this.#lookedMs = nowMs;
    const version = versionOf(this.#path);
    if (version === this.#version) return this.#servers;
    this.#version = version;
    const servers = read(this.#path);
    const same = servers.map(formatNameserver).join() === this.#servers.map(formatNameserver).join();
    if (!same) this.#servers = servers;
    return this.#servers;
  }
}

/** Differs after every change that libc would notice; undefined where there is no such file. */
function versionOf(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat && `${stat.dev} ${stat.ino} ${stat.mtimeNs} ${stat.size}`;
}

function read(path: string): readonly Nameserver[] {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return LOCAL;
  }
  const servers = parseResolvConf(text);
  return servers.length > 0 ? servers : LOCAL;
}
