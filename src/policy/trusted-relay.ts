import {
  type IpAddress,
  networkContains,
  type OctetString,
  parseIpAddress,
  unmapIpv4,
} from "../address/index.ts";
import { type Client, clientAt, verifiedName } from "./client.ts";
import type { PolicySettings } from "./settings.ts";

/** The client of a relay of ours, as the relay's Received field tells it. */
export interface RelayedClient {
  readonly client: Client;
  readonly helo: OctetString;
  /** The client has authenticated itself to the relay (RFC 3848). */
  readonly authenticated: boolean;
}

/** What a Received field of a trusted relay leads to. */
export type RelayHop =
  | { readonly kind: "client"; readonly relayed: RelayedClient }
  /** The client was another trusted relay: the next field down was written by that one. */
  | { readonly kind: "relay" }
  | { readonly kind: "unreadable" };

/** Reads the Received field that a trusted relay has put on top of a message. */
export function readRelayHop(settings: PolicySettings, received: OctetString): RelayHop {
  const from = readReceived(received);
  if (from === undefined) return { kind: "unreadable" };
  const ip = unmapIpv4(from.ip);
  if (settings.trustedRelay.some((network) => networkContains(network, ip))) return { kind: "relay" };
  const client = clientAt(settings, ip, from.verifiedName ?? "");
  return { kind: "client", relayed: { client, helo: from.helo, authenticated: from.authenticated } };
}

/** The from-clause of a Received field. */
export interface ReceivedFrom {
  readonly ip: IpAddress;
  /** The host name, where the MTA that wrote the field verifies what it writes there. */
  readonly verifiedName: OctetString | undefined;
  readonly helo: OctetString;
  readonly authenticated: boolean;
}

/** No honest Received field comes near. */
const VALUE_OCTETS_MAX = 4_096;

/**
 * Reads the from-clause as Sendmail, Postfix, Exim, qmail and those who write like them have it. Undefined where
 * there is none or it names no client address. Nothing but the word after `from` and the first comments is
 * looked at: what follows them may be the client's own words.
 */
export function readReceived(value: OctetString): ReceivedFrom | undefined {
  if (value.length > VALUE_OCTETS_MAX) return undefined;
  const text = value.replace(/[\t\r\n ]+/g, " ").trim();
  const word = /^from ([^ ()]+) ?/i.exec(text);
  if (word === null) return undefined;
  const { comments, rest } = leadingComments(text.slice(word[0].length));
  const name = word[1] ?? "";
  const exim = /^by [^ ()]+ with [^ ()]+(?: \([^()]*\))?(?: tls [^ ()]+)? \(Exim\b/i.test(rest);
  const found =
    bracketedAddress(name, comments[0] ?? "", exim) ??
    addressOfExim(name, comments[0], exim) ??
    addressOfQmail(name, comments);
  return found === undefined ? undefined : { ...found, authenticated: isAuthenticated(rest) };
}

type Found = Omit<ReceivedFrom, "authenticated">;

/**
 * `from HELO (NAME [IP])` of Sendmail and Postfix; without a name, or with `unknown` or `(may be forged)`, it is
 * not verified. `from NAME ([IP] helo=HELO)` of Exim, which leaves out a HELO equal to the name.
 */
function bracketedAddress(word: OctetString, comment: OctetString, exim: boolean): Found | undefined {
  const match =
    /^(?:(?:[^ @()]*@)?([^ ()]+) )?\[([0-9A-Fa-f:.]+|IPv6:[0-9A-Fa-f:.]+)\](?::\d+)?((?: (?:helo|ident)=[^ ()]+)*| \(may be forged\))$/i.exec(
      comment,
    );
  if (match === null) return undefined;
  const [, name, address = "", tail = ""] = match;
  const ip = addressOf(address);
  if (ip === undefined) return undefined;
  if (name !== undefined)
    return { ip, verifiedName: tail === "" ? verifiedName(name) : undefined, helo: word };
  const helo = / helo=([^ ()]+)/i.exec(tail)?.[1];
  const named = helo !== undefined || exim;
  return { ip, verifiedName: named ? verifiedName(word) : undefined, helo: helo ?? word };
}

/** `from [IP] (helo=HELO)`, `from [IP]:PORT (helo=HELO ident=USER)`, `from [IP]` of Exim where there is no name. */
function addressOfExim(
  word: OctetString,
  comment: OctetString | undefined,
  exim: boolean,
): Found | undefined {
  const address = /^\[([0-9A-Fa-f:.]+)\](?::\d+)?$/.exec(word)?.[1];
  const ip = address === undefined ? undefined : addressOf(address);
  if (ip === undefined) return undefined;
  const helo = /^(?:ident=[^ ()]+ )?helo=([^ ()]+)(?: ident=[^ ()]+)?$/i.exec(comment ?? "")?.[1];
  if (helo !== undefined) return { ip, verifiedName: undefined, helo };
  // The word alone may as well be a HELO that spells an address; only Exim writes the client's there.
  return exim && (comment === undefined || /^ident=/i.test(comment))
    ? { ip, verifiedName: undefined, helo: word.replace(/:\d+$/, "") }
    : undefined;
}

/** `from NAME (HELO NAME) (USER@IP)` of qmail, which leaves out a HELO equal to the name and verifies none. */
function addressOfQmail(word: OctetString, comments: readonly OctetString[]): Found | undefined {
  const helo = /^(?:HELO|EHLO) ([^ ()]+)$/i.exec(comments[0] ?? "")?.[1];
  const comment = (helo === undefined ? comments[0] : comments[1]) ?? "";
  const ip = addressOf(comment.slice(comment.lastIndexOf("@") + 1));
  return ip === undefined ? undefined : { ip, verifiedName: undefined, helo: helo ?? word };
}

function addressOf(text: string): IpAddress | undefined {
  return parseIpAddress(text.replace(/^ipv6:/i, ""));
}

/** The comments that a text begins with, and what follows them. */
function leadingComments(text: OctetString): { comments: OctetString[]; rest: OctetString } {
  const comments: OctetString[] = [];
  let rest = text;
  while (rest.startsWith("(")) {
    const end = endOfComment(rest);
    if (end === -1) break;
    comments.push(rest.slice(1, end));
    rest = rest.slice(end + 1).trimStart();
  }
  return { comments, rest };
}

function endOfComment(text: OctetString): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "\\") at++;
    else if (char === "(") depth++;
    else if (char === ")" && --depth === 0) return at;
  }
  return -1;
}

/** `by HOST with ESMTPSA`: the protocol keyword of the relay itself, before anything the client has said. */
function isAuthenticated(rest: OctetString): boolean {
  return /^by [^ ()]+ (?:\([^()]*\) )*with (?:UTF8)?(?:E?SMTP|LMTP)S?A\b/i.test(rest);
}
