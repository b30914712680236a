import {
  formatNetwork,
  type IpAddress,
  type Network,
  parseIpAddress,
  parseNetwork,
  unmapIpv4,
} from "../../address/index.ts";
import type { ClientNat } from "../../policy/index.ts";
import type { ListenAddress } from "../../process/index.ts";
import { shown } from "../lines.ts";
import { bad, good, type Reading, type ValueKind, wordKind } from "./value-kind.ts";

/** An address, or a network as address/length; `::ffff:a.b.c.d` counts as IPv4. */
export const network: ValueKind<Network> = wordKind(
  "an IPv4 or IPv6 address, or address/length such as 192.0.2.0/24",
  (word) => {
    const parsed = parseNetwork(word);
    if (parsed === undefined) return bad(whyNoNetwork(word));
    if (!parsed.hostBitsSet) return good(parsed.network);
    return good(
      parsed.network,
      `${shown(word)} has bits set behind the prefix; it is read as ${formatNetwork(parsed.network)}`,
    );
  },
  formatNetwork,
);

function whyNoNetwork(word: string): string {
  if (word.includes(",")) return "is no network: a line takes one, without commas";
  if (/^\d+(?:\.\d+){0,2}\/\d+$/.test(word)) return "is no network: an IPv4 address has four numbers";
  if (/^[\d.]+\/\d+\.[\d.]+$/.test(word))
    return "is no network: the length is a number of bits, not a netmask";
  return "is no network";
}

/** One address in its canonical text; an IPv4-mapped one is the IPv4 address inside. */
export const ipAddress: ValueKind<string> = wordKind(
  "an IPv4 or IPv6 address",
  (word) => {
    const ip = addressOf(word);
    return ip === undefined ? bad("is no IP address") : good(ip);
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
    if (words.length === 0) return bad(`no value; accepted: ${NAT_ACCEPTED}`);
    const joined = /^([\d.]+):([\d.]+)$/.exec(words[0] ?? "");
    const taken = joined === null ? 2 : 1;
    const [from, to] = (joined?.slice(1) ?? words).map(addressOf);
    if (from === undefined || to === undefined) {
      return bad(`${shown(words.slice(0, 2).join(" "))} is no pair of addresses; accepted: ${NAT_ACCEPTED}`);
    }
    const unread = words.slice(taken).join(" ");
    return unread === "" ? good({ from, to }) : good({ from, to }, `${shown(unread)} is not read`);
  },
};

const DNS_PORT = 53;

/** The address of a name server, with a port where it is not 53. */
export const nameserver: ValueKind<{ readonly address: IpAddress; readonly port: number }> = wordKind(
  "address, address:port for IPv4, [address]:port for IPv6",
  (word) => {
    const plain = parseIpAddress(word);
    if (plain !== undefined) return good({ address: plain, port: DNS_PORT });
    const [, v6, v4, portText] = /^(?:\[([^\]]*)\]|([\d.]+))(?::(\d+))?$/.exec(word) ?? [];
    const address = parseIpAddress(v6 ?? v4 ?? "");
    if (address === undefined || (v6 !== undefined && address.family === 4)) {
      return bad("is no address of a name server (a name is not looked up)");
    }
    const port = portText === undefined ? DNS_PORT : portOf(portText);
    return port === undefined ? bad("has a port out of the range 1 to 65535") : good({ address, port });
  },
  ({ address: { family, text }, port }) =>
    port === DNS_PORT ? text : `${family === 6 ? `[${text}]` : text}:${port}`,
);

function portOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** sun_path of the smallest system served (the BSDs), without the final NUL. */
const SOCKET_PATH_OCTETS_MAX = 103;

/** Where the MTA connects, as libmilter writes it; a bare path is a Unix socket. */
export const socketAddress: ValueKind<ListenAddress> = wordKind(
  "unix:/path, local:/path, inet:port@host or inet6:port@host",
  (word) => {
    const [, scheme = "", rest = ""] = /^(?:(unix|local|inet|inet6):)?(.*)$/i.exec(word) ?? [];
    const kind = scheme.toLowerCase();
    if (kind === "inet" || kind === "inet6") return inetSocket(kind, rest);
    if (!rest.startsWith("/")) {
      return bad(kind === "" ? "is no socket" : "does not name the socket by its full path");
    }
    if (Buffer.byteLength(rest) > SOCKET_PATH_OCTETS_MAX) {
      return bad(`has a path of more than ${SOCKET_PATH_OCTETS_MAX} octets`);
    }
    return good({ kind: "unix", path: rest });
  },
  (socket) =>
    socket.kind === "unix" ? `unix:${socket.path}` : `${socket.kind}:${socket.port}@${socket.host}`,
);

function inetSocket(kind: "inet" | "inet6", text: string): Reading<ListenAddress> {
  const [, portText = "", written] = /^([^@]*)(?:@(.*))?$/.exec(text) ?? [];
  const port = portOf(portText);
  if (port === undefined) return bad("has no port from 1 to 65535 in front of the @");
  if (written === undefined) {
    const everywhere = kind === "inet" ? "0.0.0.0" : "::";
    return good(
      { kind, port, host: everywhere },
      `no host is given: the socket listens on every address (${kind}:${port}@localhost keeps it local)`,
    );
  }
  const host = written.replace(/^\[(.*)\]$/, "$1");
  const ip = parseIpAddress(host);
  if (ip === undefined && !/^[a-z0-9_](?:[\w.-]*\w)?$/i.test(host))
    return bad("has no usable host after the @");
  if (ip !== undefined && ip.family !== (kind === "inet" ? 4 : 6)) {
    return bad(`has an IPv${ip.family} address, which belongs to ${ip.family === 4 ? "inet" : "inet6"}:`);
  }
  if (ip === undefined && /^[\d.]+$/.test(host)) return bad("has no usable host after the @");
  return good({ kind, port, host });
}
