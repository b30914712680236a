import { isIP } from "node:net";
import { formatNetwork, type Network, parseIpAddress, parseNetwork, unmapIpv4 } from "../../address/index.ts";
import type { ClientNat } from "../../policy/index.ts";
import type { ListenAddress } from "../../process/index.ts";
import { shown } from "../lines.ts";
import { invalid, ok, type Reading, type ValueKind, wordKind } from "./value-kind.ts";

/** An address, or a network as address/length; `::ffff:a.b.c.d` counts as IPv4. */
export const network: ValueKind<Network> = wordKind(
  "network",
  "an IPv4 or IPv6 address, or address/length such as 192.0.2.0/24",
  (word) => {
    const parsed = parseNetwork(word);
    if (parsed === undefined) return invalid(whyNoNetwork(word));
    if (!parsed.hostBitsSet) return ok(parsed.network);
    return ok(
      parsed.network,
      `${shown(word)} has host bits set; it is read as ${formatNetwork(parsed.network)}`,
    );
  },
  formatNetwork,
);

function whyNoNetwork(word: string): string {
  if (word.includes(",")) return "give one network per line, without commas";
  if (/^\d+(?:\.\d+){0,2}\/\d+$/.test(word)) return "an IPv4 address has four numbers";
  if (/^[\d.]+\/\d+\.[\d.]+$/.test(word)) return "the length is a number of bits, not a netmask";
  return "";
}

/** One address in its canonical text; an IPv4-mapped one is the IPv4 address inside. */
export const ipAddress: ValueKind<string> = wordKind(
  "IP address",
  "an IPv4 or IPv6 address",
  (word) => {
    const ip = addressOf(word);
    return ip === undefined ? invalid() : ok(ip);
  },
  String,
);

function addressOf(text: string): string | undefined {
  const ip = parseIpAddress(text);
  return ip === undefined ? undefined : unmapIpv4(ip).text;
}

const NAT_ACCEPTED = "from:to for two IPv4 addresses, or two addresses of any family as two words";

/** Two addresses, `from:to` or `from to`. */
export const natPair: ValueKind<ClientNat> = {
  accepted: NAT_ACCEPTED,
  format: ({ from, to }) => `${from}${/:/.test(from + to) ? " " : ":"}${to}`,
  read: ({ words }) => {
    if (words.length === 0) return invalid(`missing addresses: expected ${NAT_ACCEPTED}`);
    const joined = /^([\d.]+):([\d.]+)$/.exec(words[0] ?? "");
    const taken = joined === null ? 2 : 1;
    const [from, to] = (joined?.slice(1) ?? words).map(addressOf);
    if (from === undefined || to === undefined) {
      return invalid(`invalid addresses ${shown(words.slice(0, 2).join(" "))}: expected ${NAT_ACCEPTED}`);
    }
    const unread = words.slice(taken).join(" ");
    return unread === ""
      ? ok({ from, to })
      : ok({ from, to }, `${shown(unread)} is ignored: give one pair per line`);
  },
};

const DNS_PORT = 53;

/** The address of a name server, with a port where it is not 53; a link-local one with its zone (RFC 4007). */
export const nameserver: ValueKind<{ readonly address: string; readonly port: number }> = wordKind(
  "name server",
  "address, address:port for IPv4, [address]:port for IPv6, fe80::1%interface",
  (word) => {
    if (isIP(word) !== 0) return ok({ address: addressText(word), port: DNS_PORT });
    const [, v6, v4, portText] = /^(?:\[([^\]]*)\]|([\d.]+))(?::(\d+))?$/.exec(word) ?? [];
    const address = v6 ?? v4 ?? "";
    if (isIP(address) !== (v6 === undefined ? 4 : 6)) {
      return invalid("give its IP address");
    }
    const port = portText === undefined ? DNS_PORT : portOf(portText);
    return port === undefined
      ? invalid("the port must be from 1 to 65535")
      : ok({ address: addressText(address), port });
  },
  ({ address, port }) =>
    port === DNS_PORT ? address : `${address.includes(":") ? `[${address}]` : address}:${port}`,
);

/** In one spelling; a zone stays as it is. */
function addressText(word: string): string {
  return parseIpAddress(word)?.text ?? word;
}

function portOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** sun_path of the smallest system served (the BSDs), without the final NUL. */
const SOCKET_PATH_OCTETS_MAX = 103;

/** Where the MTA connects, as libmilter writes it; a bare path is a Unix socket. */
export const socketAddress: ValueKind<ListenAddress> = wordKind(
  "socket",
  "unix:/path, local:/path, inet:port@host or inet6:port@host",
  readSocket,
  formatSocket,
);

function readSocket(word: string): Reading<ListenAddress> {
  const [, scheme = "", rest = ""] = /^(?:(unix|local|inet|inet6):)?(.*)$/i.exec(word) ?? [];
  const kind = scheme.toLowerCase();
  if (kind === "inet" || kind === "inet6") return inetSocket(kind, rest);
  if (!rest.startsWith("/")) {
    return invalid(kind === "" ? "" : "the path must begin with /");
  }
  if (Buffer.byteLength(rest) > SOCKET_PATH_OCTETS_MAX) {
    return invalid(`the path is longer than ${SOCKET_PATH_OCTETS_MAX} octets`);
  }
  return ok({ kind: "unix", path: rest });
}

function inetSocket(kind: "inet" | "inet6", text: string): Reading<ListenAddress> {
  const [, portText = "", written] = /^([^@]*)(?:@(.*))?$/.exec(text) ?? [];
  const port = portOf(portText);
  if (port === undefined) return invalid("the port before @ must be from 1 to 65535");
  if (written === undefined) {
    const everywhere = kind === "inet" ? "0.0.0.0" : "::";
    return ok(
      { kind, port, host: everywhere },
      `no host given: the socket listens on every address (use ${kind}:${port}@localhost to keep it local)`,
    );
  }
  const host = written.replace(/^\[(.*)\]$/, "$1");
  const ip = parseIpAddress(host);
  if (ip === undefined && !/^[a-z0-9_](?:[\w.-]*\w)?$/i.test(host))
    return invalid("the host after @ is missing or cannot be used");
  if (ip !== undefined && ip.family !== (kind === "inet" ? 4 : 6)) {
    return invalid(`an IPv${ip.family} address needs ${ip.family === 4 ? "inet" : "inet6"}:`);
  }
  if (ip === undefined && /^[\d.]+$/.test(host))
    return invalid("the host after @ is missing or cannot be used");
  return ok({ kind, port, host });
}

/** A socket that only this host reaches. */
export const localSocketAddress: ValueKind<ListenAddress> = wordKind(
  "socket of this host",
  "unix:/path, or inet:port@127.0.0.1, inet6:port@[::1] or another address of this host alone",
  (word) => {
    const reading = readSocket(word);
    if ("fault" in reading || reading.value.kind === "unix" || isLoopback(reading.value.host)) return reading;
    return invalid(word.includes("@") ? "other hosts can reach it" : "the host after @ is missing");
  },
  formatSocket,
);

/** `unix:/path` or `inet:port@host`, as the option has it. */
export function formatSocket(socket: ListenAddress): string {
  return socket.kind === "unix" ? `unix:${socket.path}` : `${socket.kind}:${socket.port}@${socket.host}`;
}

function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const ip = parseIpAddress(host);
  return ip !== undefined && (ip.text === "::1" || (ip.family === 4 && ip.text.startsWith("127.")));
}
