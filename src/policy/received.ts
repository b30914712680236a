import { type IpAddress, type OctetString, parseIpAddress } from "../address/index.ts";

/** What the from-clause of a Received field says of the client of the MTA that wrote it. */
export interface ReceivedFrom {
  readonly ip: IpAddress;
  /** The host name, where the writer verifies what it writes there. */
  readonly verifiedName: OctetString | undefined;
  readonly helo: OctetString;
  /** The client has authenticated itself to the writer (RFC 3848). */
  readonly authenticated: boolean;
}

/**
 * Several times what all that a client says can make of a field that a relay has written. Every ` by ` is looked at with
 * what follows it, so that reading takes time with the square of the length, from a peer that says it is a relay.
 */
const VALUE_OCTETS_MAX = 16_384;

/**
 * Reads the from-clause of a Received field (RFC 5321 section 4.4); undefined where it cannot be read.
 *
 * HELO name, host name, ident answer, sender and recipient are the client's words, and many MTAs write them
 * unchanged. So the end of the field decides: `by HOST` and all that follows must be of the writer's grammar up to the
 * last octet, which it cannot be for a `by` inside the client's words, since what the writer itself puts around them
 * would have to be part of it. What follows `by` tells the writer, and the writer's rule tells where before it the
 * address is.
 */
export function readReceived(value: OctetString): ReceivedFrom | undefined {
  if (value.length > VALUE_OCTETS_MAX) return undefined;
  const text = oneLine(value);
  for (const by of text.matchAll(/ by /gi)) {
    const tail = readTail(text.slice(by.index + by[0].length), false);
    const read = tail && readHead(text.slice(0, by.index), tail);
    if (read !== undefined) return read;
  }
  return readOddAddresses(value);
}

/**
 * Reads a field with a sender or recipient that is not an address. Then the first `by` decides that is at the beginning
 * of a line, where no client's word can be, or else the first between spaces, and all up to the addresses must be in
 * order.
 */
function readOddAddresses(value: OctetString): ReceivedFrom | undefined {
  const by = /\n[\t ]+by /i.exec(value) ?? / by /i.exec(value);
  if (by === null) return undefined;
  const tail = readTail(oneLine(value.slice(by.index + by[0].length)), true);
  return tail && readHead(oneLine(value.slice(0, by.index)), tail);
}

function oneLine(value: OctetString): OctetString {
  return value.replace(/[\t\r\n ]+/g, " ").trim();
}

/** What follows `by`. */
interface Tail {
  /** The comment after the host name. */
  readonly software: OctetString;
  /** All comments. */
  readonly comments: OctetString;
  /** What follows `with`. */
  readonly protocol: OctetString;
  /** Nothing but host name, protocol and date. */
  readonly bare: boolean;
  /** The id follows the date. */
  readonly idAtEnd: boolean;
}

/** Words in angle brackets with spaces only in quoted strings, so that a quote opened elsewhere does not end in it. */
const PATH = String.raw`<(?:"(?:[^"\\]|\\.)*"|\\.|[^\s"<>\\])*>`;
const ADDRESS = String.raw`(?:"(?:[^"\\]|\\.)*"|\\.|[^\s"<>()\\;,])+`;
/** A comment of the writer's own: nothing of the client's is in it. */
const COMMENT = String.raw`\([^()<>"[\]\\]*(?:\([^()<>"[\]\\]*\)[^()<>"[\]\\]*)*\)`;
const WORD = String.raw`[^\s()<>"[\];]+`;

const HOST = sticky(String.raw`(${WORD}|\[[0-9A-Za-z:.]+\])`);
/** MDaemon's own address; amavis names the host that it listens on. */
const OWN_ADDRESS = sticky(String.raw` (?:\[[0-9A-Fa-f:.]+\]|\(\S+ \[(?:127\.[\d.]+|::1)\]\)(?= \(amavis))`);
const PROTOCOL = sticky(
  String.raw` with (Microsoft SMTPSVC\([^()]*\)|Microsoft SMTP Server|MailEnable ESMTP|\([^()<>"[\]]*\) ${WORD}|${WORD})`,
);
const ITEM = sticky(
  [
    String.raw` \(envelope-(?:from|sender) ${PATH}\)`,
    ` ?${COMMENT}`,
    ` id ${WORD}`,
    String.raw` for (?:${PATH}|${ADDRESS})(?:,? (?:${PATH}|${ADDRESS}@${WORD}))*`,
    ` envelope-from ${PATH}`,
    ` (?:tls|via) ${WORD}`,
    ` (?:auth|user|version|cipher|bits|verify)=${WORD}`,
    " TLS(?= version=)",
    ";",
  ].join("|"),
);
const ODD_ADDRESS = sticky(String.raw` (?:for|\(?envelope-(?:from|sender)) <`);
const DATE = sticky(
  String.raw`(?: ?[A-Za-z\d:,+-]{1,12}(?: [A-Za-z\d:,+-]{1,12}){0,7})?(?: \([A-Za-z\d +:-]{1,40}\))?( id [\dA-F]+\.[\dA-F]+\.[\dA-F]+)? ?$`,
);

function sticky(source: string): RegExp {
  return new RegExp(source, "iy");
}

/**
 * Reads what follows `by`; undefined where that is not all in order.
 *
 * @param oddAddresses the first sender or recipient ends what is looked at
 */
function readTail(text: OctetString, oddAddresses: boolean): Tail | undefined {
  let at = 0;
  const take = (expression: RegExp): RegExpExecArray | undefined => {
    expression.lastIndex = at;
    const match = expression.exec(text);
    if (match !== null) at = expression.lastIndex;
    return match ?? undefined;
  };
  if (take(HOST) === undefined) return undefined;
  take(OWN_ADDRESS);
  let software = "";
  let comments = "";
  let protocol = "";
  let items = 0;
  for (;;) {
    const word = protocol === "" ? take(PROTOCOL)?.[1] : undefined;
    if (word !== undefined) {
      protocol = word;
      continue;
    }
    const odd = oddAddresses ? take(ODD_ADDRESS)?.[0] : undefined;
    const item = odd ?? take(ITEM)?.[0];
    if (item === undefined) break;
    if (item === ";") continue;
    if (items === 0 && protocol === "") software = item.trim();
    if (/^ ?\((?!envelope-)/i.test(item)) comments += item;
    items++;
    if (odd !== undefined) break;
  }
  const date = take(DATE);
  if (at !== text.length && !oddAddresses) return undefined;
  const idAtEnd = date?.[1] !== undefined;
  return { software, comments, protocol, bare: items === 0 && !idAtEnd, idAtEnd };
}

type Found = Omit<ReceivedFrom, "authenticated"> & { readonly authenticated?: boolean };

/** An MTA by its mark after `by`, and how it writes its client before it. */
interface Writer {
  readonly isOf: (tail: Tail) => boolean;
  readonly read: (head: OctetString) => Found | undefined;
}

/** Postfix, Sendmail and Exim verify the host name (address to name and back); of the others it is not known. */
const WRITERS: readonly Writer[] = [
  { isOf: ({ software }) => /^\(Postfix\b/i.test(software), read: readPostfix },
  { isOf: ({ software }) => /^\(\d+(?:\.\d+)+[^ ()]*\//.test(software), read: readSendmail },
  { isOf: ({ comments }) => /\(Exim\b/i.test(comments), read: readExim },
  { isOf: ({ software }) => /^\(CommuniGate Pro\b/i.test(software), read: readCommuniGate },
  { isOf: ({ protocol }) => /^Microsoft SMTP Server$/i.test(protocol), read: readLastComment },
  { isOf: ({ protocol }) => /^Microsoft SMTPSVC\(/i.test(protocol), read: readSmtpsvc },
  { isOf: ({ comments }) => /\(MDaemon\b/i.test(comments), read: readMDaemon },
  {
    isOf: ({ software }) =>
      /^\((?:Haraka|OpenSMTPD|JAMES SMTP Server|amavis|Stalwart|qmail-ldap)/i.test(software),
    read: readLastComment,
  },
  { isOf: ({ software }) => /^\(envelope-sender </i.test(software), read: readLastComment },
  { isOf: ({ idAtEnd }) => idAtEnd, read: readCourier },
  // qmail and Cisco ESA say neither who they are nor an id.
  { isOf: ({ bare }) => bare, read: readQmail },
  { isOf: () => true, read: readPlain },
];

/** Reads what is before `by`. Sendmail puts all of it in parentheses where there was no HELO. */
function readHead(head: OctetString, tail: Tail): ReceivedFrom | undefined {
  const [, open, from = ""] = /^(\(?)from (.*)$/i.exec(head) ?? [];
  if (open === undefined) return undefined;
  const found = WRITERS.find((writer) => writer.isOf(tail))?.read(`${open}${from}`);
  if (found === undefined) return undefined;
  const { authenticated = false, ...rest } = found;
  return {
    ...rest,
    authenticated: authenticated || isAuthenticated(tail.protocol.slice(tail.protocol.lastIndexOf(" ") + 1)),
  };
}

/** RFC 3848: ESMTPA, ESMTPSA, UTF8SMTPA …; old Exim has asmtp. */
function isAuthenticated(protocol: OctetString): boolean {
  return /^(?:(?:UTF8)?(?:E?SMTP|LMTP)S?A|asmtp)$/i.test(protocol);
}

const LITERAL = String.raw`\[((?:IPv6:)?[0-9A-Fa-f:.]+)\]`;

const POSTFIX = new RegExp(
  String.raw`^([^()]*?) ?\((?:([^\s()[\]]+) )?${LITERAL}(?::\d+)?\)(?: \(.*)?$`,
  "i",
);

/** `HELO (NAME [IP])`, and then comments on TLS with words of the client's certificate. HELO has no parentheses. */
function readPostfix(head: OctetString): Found | undefined {
  const [, helo = "", name = "", literal = ""] = POSTFIX.exec(head) ?? [];
  return found(literal, helo, name);
}

/**
 * `HELO (IDENT@NAME [IP])`; without a name, or with `(may be forged)`, it is not verified. Without HELO
 * `(from NAME [IP])`.
 */
function readSendmail(head: OctetString): Found | undefined {
  const plain = head.replace(/ \(authenticated (?:bits=\d+|\(\d+ bits\))\)$/i, "");
  const sure = plain.replace(/ \(may be forged\)(?=\)$)/i, "");
  const last = lastLiteral(sure);
  if (last === undefined) return undefined;
  const open = last.before.indexOf("(");
  const said = last.before.slice(open + 1).trim();
  const name = said.slice(said.lastIndexOf("@") + 1);
  const verified = sure === plain && /^[\w.-]+$/.test(name) ? name : "";
  const from = found(last.literal, last.before.slice(0, Math.max(open, 0)).trim(), verified);
  return from && { ...from, authenticated: plain !== head };
}

const EXIM_BY_NAME = new RegExp(String.raw`^([^\s()[\]]+) \(${LITERAL}(?::\d+)?(?: (.*))?\)$`, "i");
const EXIM_BY_ADDRESS = new RegExp(String.raw`^${LITERAL}(?::\d+)?(?: \((.*)\))?$`, "i");

/**
 * `NAME ([IP]:PORT helo=HELO ident=IDENT)`, which leaves out a HELO equal to the name, or without a name
 * `[IP] (port=PORT helo=HELO ident=IDENT)`. The address comes before all that the client says.
 */
function readExim(head: OctetString): Found | undefined {
  const byName = EXIM_BY_NAME.exec(head);
  if (byName !== null) {
    const [, name = "", literal = "", said] = byName;
    return found(literal, heloOfExim(said) ?? name, name);
  }
  const [, literal = "", said] = EXIM_BY_ADDRESS.exec(head) ?? [];
  return found(literal, heloOfExim(said) ?? `[${literal}]`, "");
}

function heloOfExim(said = ""): OctetString | undefined {
  return /^(?:port=\d+ ?)?(?:ident=\S+ )?helo=(\S+)/i.exec(said)?.[1];
}

const COMMUNIGATE = new RegExp(String.raw`^${LITERAL}(?: \((.*)\))?$`, "i");

/**
 * `[IP] (account USER HELO NAME)`, or `NAME (account USER [IP] verified)` where the name has that address: a word
 * in brackets before it is the address then, too.
 */
function readCommuniGate(head: OctetString): Found | undefined {
  const [, literal, said = ""] = COMMUNIGATE.exec(head) ?? [];
  const authenticated = /(?:^|\()account /i.test(head.slice(head.indexOf(" ") + 1));
  if (literal !== undefined) {
    const helo = /^(?:account \S+ )?HELO (.*)$/i.exec(said)?.[1] ?? "";
    const from = found(literal, helo, "");
    return from && { ...from, authenticated: authenticated && /^account /i.test(said) };
  }
  const last = lastLiteral(head.replace(/ verified(?=\)$)/i, ""));
  if (last === undefined) return undefined;
  const [, helo = "", rest = ""] = /^(\S*) \((.*)$/.exec(last.before) ?? [];
  const from = found(last.literal, helo, "");
  return from && { ...from, authenticated: /^account \S+ $/i.test(rest) };
}

/** `HELO ([IP] unverified)`. */
function readSmtpsvc(head: OctetString): Found | undefined {
  return readLastComment(head.replace(/ (?:unverified|RDNS failed)(?=\)$)/i, ""));
}

/** `HELO (NAME [IP])`, in old versions `HELO [IP]`. */
function readMDaemon(head: OctetString): Found | undefined {
  const [, helo = "", literal] = new RegExp(`^(?:(.*) )?${LITERAL}$`, "i").exec(head) ?? [];
  return literal === undefined ? readLastComment(head) : found(literal, helo, "");
}

/** `HELO (NAME [IP])` and after it `(IDENT: USER, AUTH: LOGIN USER)`; ident is the client's word. */
function readCourier(head: OctetString): Found | undefined {
  const plain = head.replace(/ \((?:IDENT|AUTH|TLS|SSL): [^()]*(?:\([^()]*\)[^()]*)*\)$/i, "");
  const from = readLastComment(plain);
  return from && { ...from, authenticated: /^ \(AUTH: /i.test(head.slice(plain.length)) };
}

/** `NAME (HELO NAME) (USER@IP)` of qmail and, with the address in brackets, of Cisco ESA. */
function readQmail(head: OctetString): Found | undefined {
  const [, word, said] = /^(\S+)( \((?:HELO|EHLO) ?.*\))? \([^()\s]+\)$/i.exec(head) ?? [];
  if (word === undefined) return readPlain(head);
  return said === undefined && isLiteral(word) ? undefined : readLastComment(head);
}

const PLAIN = new RegExp(
  String.raw`^([\w.:-]+)(?: \((?:HELO|EHLO) ([^\s()]*)\))? \((?:[\w.@-]*[\w.-] ?)?${LITERAL}(?: \(may be forged\))?\)(?: \([^()[\]]*(?:\([^()[\]]*\)[^()[\]]*)*\))*$`,
  "i",
);

/** A writer that does not say who it is: `HELO (NAME [IP])` where nothing in it can be taken for anything else. */
function readPlain(head: OctetString): Found | undefined {
  const [, word, helo = word, literal = ""] = PLAIN.exec(head) ?? [];
  return word === undefined || isLiteral(word) ? undefined : found(literal, helo ?? "", "");
}

/**
 * What most write: `HELO (NAME [IP])` or `NAME (HELO NAME) (USER@[IP])`, brackets or not, with the address at the
 * very end, after all that the client says.
 */
function readLastComment(head: OctetString): Found | undefined {
  // qmail-ldap, Stalwart and old OpenSMTPD put something of their own after it.
  const text = head.replace(/ \((?:envelope-sender <\S*>|using TLS\S+ with cipher \S+)\)$|;$/i, "");
  if (!text.endsWith(")")) return undefined;
  const open = text.lastIndexOf("(");
  const comment = text.slice(open + 1, -1);
  const literal = /(?:^|[^0-9A-Fa-f:.])((?:IPv6:)?[0-9A-Fa-f:.]+)\]?$/i.exec(comment)?.[1] ?? "";
  const said = text.slice(0, open).trim();
  const helo = /^\S* ?\((?:HELO|EHLO) ?(.*)\)$/i.exec(said)?.[1] ?? said;
  return found(literal, helo, "");
}

/** The address in brackets that ends the text but for a parenthesis, and what is before it. */
function lastLiteral(text: OctetString): { before: OctetString; literal: OctetString } | undefined {
  const open = text.lastIndexOf("[");
  const literal = /^\[([^[\]]*)\]\)$/.exec(text.slice(open))?.[1];
  return open === -1 || literal === undefined ? undefined : { before: text.slice(0, open), literal };
}

function isLiteral(word = ""): boolean {
  return parseAddress(word.replace(/^\[|\]$/g, "")) !== undefined;
}

function parseAddress(literal: OctetString): IpAddress | undefined {
  return parseIpAddress(literal.replace(/^ipv6:/i, ""));
}

function found(literal: OctetString, helo: OctetString, name: OctetString): Found | undefined {
  const ip = parseAddress(literal);
  return ip && { ip, verifiedName: verifiedName(name), helo };
}

/**
 * The host name of a client where the MTA has verified it, else undefined: what an MTA sends in place of a name
 * (`[192.0.2.9]`, `unknown`, nothing) is not a name, and neither is an address that a PTR record spells.
 */
export function verifiedName(hostname: OctetString): OctetString | undefined {
  const name = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
  if (name === "" || /[[\]\s\0]/.test(name)) return undefined;
  return name.toLowerCase() === "unknown" || isAddress(name) ? undefined : name;
}

function isAddress(name: OctetString): boolean {
  return /^[\d.]*$|:/.test(name) && parseIpAddress(name) !== undefined;
}
