/**
 * Reads responses. Every message is walked first, in steps bounded by its length, and what is not needed is made opaque;
 * the reader after it can then trust lengths, pointers and names.
 */
import type { RecordData, RecordType } from "spf-check";
import { ipAddressOfBytes, type OctetString } from "../address/index.ts";

const HEADER_OCTETS = 12;
const RECORDS_MAX = 1000;
/** Character-strings of all TXT records together. */
const STRINGS_MAX = 16_384;
/** Pointers inside one name; compressors chain a few. */
const POINTERS_MAX = 64;
/** Without the root's octet (RFC 1035 section 2.3.4). */
const NAME_OCTETS_MAX = 254;

/** RFC 1035 section 3.2.2, RFC 3596, RFC 6891. */
const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  NULL: 10,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  OPT: 41,
} as const;
const CLASS_IN = 1;
const DOT = 0x2e;

/** The header of a message that may be read. */
export interface GuardedHeader {
  /** With the upper bits out of EDNS0 (RFC 6891 section 6.1.3). */
  readonly rcode: number;
  /** The authority section names name servers, as a referral does (RFC 2308 section 2.2). */
  readonly namesServers: boolean;
}

/** What a walk found out about a name. */
interface WalkedName {
  /** The offset after it; -1 where it cannot be read. */
  end: number;
  /** A label holds a dot: the text of the name would be that of another name. */
  dotted: boolean;
}

/**
 * Checks a response with exactly one question and makes it safe to read, in place: records that are not looked
 * at afterwards (additional section, other types and classes, names with a dot inside a label) become type NULL,
 * which the reader passes over. Undefined where the message is malformed: a name or record that goes past
 * the end, a pointer that does not point back, rdata of another length than its type has, absurd counts.
 */
export function guardResponse(message: Buffer): GuardedHeader | undefined {
  if (message.length < HEADER_OCTETS || message.readUInt16BE(4) !== 1) return undefined;
  const answers = message.readUInt16BE(6);
  const authorities = message.readUInt16BE(8);
  const records = answers + authorities + message.readUInt16BE(10);
  if (records > RECORDS_MAX) return undefined;
  const walk = new Walk(message);
  if (!walk.question()) return undefined;
  let namesServers = false;
  for (let i = 0; i < records; i++) {
    const wanted = i < answers ? ANSWER_TYPES : i < answers + authorities ? AUTHORITY_TYPES : NO_TYPES;
    if (!walk.record(wanted)) return undefined;
    namesServers ||= wanted === AUTHORITY_TYPES && walk.type === TYPE.NS;
  }
  return { rcode: (walk.extendedRcode << 4) | (message.readUInt16BE(2) & 0xf), namesServers };
}

const ANSWER_TYPES: ReadonlySet<number> = new Set([
  TYPE.A,
  TYPE.AAAA,
  TYPE.CNAME,
  TYPE.MX,
  TYPE.PTR,
  TYPE.TXT,
]);
const AUTHORITY_TYPES: ReadonlySet<number> = new Set([TYPE.SOA]);
const NO_TYPES: ReadonlySet<number> = new Set();

class Walk {
  extendedRcode = 0;
  /** Of the last record, as it was sent. */
  type = 0;
  readonly #message: Buffer;
  #at = HEADER_OCTETS;
  #strings = 0;
  readonly #name: WalkedName = { end: -1, dotted: false };

  constructor(message: Buffer) {
    this.#message = message;
  }

  question(): boolean {
    const { end } = this.#walkName(this.#at);
    this.#at = end + 4;
    return end >= 0 && this.#at <= this.#message.length;
  }

  /** One record; false where it is malformed. */
  record(wanted: ReadonlySet<number>): boolean {
    const message = this.#message;
    const { end: start, dotted } = this.#walkName(this.#at);
    if (start < 0 || start + 10 > message.length) return false;
    const type = message.readUInt16BE(start);
    this.type = type;
    const data = start + 10;
    const end = data + message.readUInt16BE(start + 8);
    if (end > message.length) return false;
    this.#at = end;
    if (type === TYPE.OPT) this.extendedRcode = message[start + 4] ?? 0;
    let opaque = dotted || !wanted.has(type) || message.readUInt16BE(start + 2) !== CLASS_IN;
    if (!opaque) {
      if (!this.#dataFits(type, data, end)) return false;
      opaque = this.#name.dotted;
    }
    if (opaque) message.writeUInt16BE(TYPE.NULL, start);
    return true;
  }

  /** Whether the rdata is what its type has, to the last octet; leaves in #name the last name it held. */
  #dataFits(type: number, data: number, end: number): boolean {
    this.#name.dotted = false;
    switch (type) {
      case TYPE.A:
        return end - data === 4;
      case TYPE.AAAA:
        return end - data === 16;
      case TYPE.TXT:
        return this.#stringsFit(data, end);
      case TYPE.MX:
        return this.#walkName(data + 2).end === end;
      case TYPE.SOA: {
        const { end: afterServer } = this.#walkName(data);
        const fits = afterServer >= 0 && this.#walkName(afterServer).end === end - 20;
        // Its names are not read, and the mailbox among them may well hold a dot.
        this.#name.dotted = false;
        return fits;
      }
      default:
        return this.#walkName(data).end === end;
    }
  }

  #stringsFit(data: number, end: number): boolean {
    let at = data;
    while (at < end) {
      at += 1 + (this.#message[at] ?? 0);
      if (++this.#strings > STRINGS_MAX) return false;
    }
    return at === end;
  }

  /** Follows the name at an offset to its root, as the reader will. */
  #walkName(start: number): WalkedName {
    const message = this.#message;
    const name = this.#name;
    name.end = -1;
    name.dotted = false;
    let end = -1;
    let segment = start;
    let octets = 0;
    let pointers = 0;
    for (let at = start; at < message.length; ) {
      const length = message[at] ?? 0;
      if (length === 0) {
        name.end = end < 0 ? at + 1 : end;
        return name;
      }
      if (length >= 0xc0) {
        const target = ((length & 0x3f) << 8) | (message[at + 1] ?? 0);
        if (at + 1 >= message.length || target >= segment || ++pointers > POINTERS_MAX) return name;
        if (end < 0) end = at + 2;
        segment = target;
        at = target;
        continue;
      }
      octets += 1 + length;
      if (length > 63 || octets > NAME_OCTETS_MAX) return name;
      const next = at + 1 + length;
      if (next > message.length) return name;
      for (at++; at < next; at++) if (message[at] === DOT) name.dotted = true;
    }
    return name;
  }
}

/** The record types that are read. */
const READ_TYPES = ["A", "CNAME", "SOA", "PTR", "MX", "TXT", "AAAA"] as const;
type ReadType = (typeof READ_TYPES)[number];
const TYPE_NAMES = new Map<number, ReadType>(READ_TYPES.map((name) => [TYPE[name], name]));

/** Where a name is put together, with a dot after each label; no longer one passes the guard. */
const NAME = Buffer.alloc(256);

/** One record of a message, its data not read yet. */
export interface WireRecord {
  readonly type: ReadType;
  /** Lower case, without the final dot. */
  readonly owner: OctetString;
  /** One with the top bit set counts as zero (RFC 2181 section 8). */
  readonly ttlSeconds: number;
  /** Where its data begins and ends. */
  readonly data: number;
  readonly end: number;
  /** How long a negative answer may be kept that comes with this SOA record (RFC 2308 section 5). */
  readonly negativeTtlSeconds: number | undefined;
}

/**
 * Reads the records of a message that `guardResponse()` has let through: lengths, pointers and names are known to be
 * right. A name that many records point to is read once.
 */
export class MessageReader {
  readonly answers: readonly WireRecord[];
  readonly authorities: readonly WireRecord[];
  readonly message: Buffer;
  readonly #names = new Map<number, OctetString>();
  /** Owners mostly repeat: the one before, as it was written and in lower case. */
  #owner: OctetString = "";
  #ownerKey: OctetString = "";
  #at: number;

  /** @param at where the answer section begins */
  constructor(message: Buffer, at: number) {
    this.message = message;
    this.#at = at;
    this.answers = this.#section(message.readUInt16BE(6));
    this.authorities = this.#section(message.readUInt16BE(8));
  }

  #section(count: number): WireRecord[] {
    const message = this.message;
    const records: WireRecord[] = [];
    for (let i = 0; i < count; i++) {
      const start = this.#endOfName(this.#at);
      const data = start + 10;
      const end = data + message.readUInt16BE(start + 8);
      const type = TYPE_NAMES.get(message.readUInt16BE(start));
      if (type !== undefined) {
        const owner = this.name(this.#at);
        if (owner !== this.#owner) {
          this.#owner = owner;
          this.#ownerKey = owner.toLowerCase();
        }
        const ttlSeconds = this.#ttlAt(start + 4);
        const negativeTtlSeconds = type === "SOA" ? Math.min(ttlSeconds, this.#ttlAt(end - 4)) : undefined;
        records.push({ type, owner: this.#ownerKey, ttlSeconds, data, end, negativeTtlSeconds });
      }
      this.#at = end;
    }
    return records;
  }

  #ttlAt(at: number): number {
    const ttl = this.message.readUInt32BE(at);
    return ttl > 0x7fffffff ? 0 : ttl;
  }

  #endOfName(start: number): number {
    for (let at = start; ; ) {
      const length = this.message[at] ?? 0;
      if (length === 0) return at + 1;
      if (length >= 0xc0) return at + 2;
      at += 1 + length;
    }
  }

  /** The name at an offset, without the final dot; empty for the root. */
  name(start: number): OctetString {
    const length = this.message[start] ?? 0;
    if (length < 0xc0) return this.#readName(start);
    const target = this.#pointedAt(start);
    let name = this.#names.get(target);
    if (name === undefined) {
      name = this.#readName(target);
      this.#names.set(target, name);
    }
    return name;
  }

  /** In one piece: a text that is put together label by label holds on to all of them, and a name may have 127. */
  #readName(start: number): OctetString {
    const message = this.message;
    let octets = 0;
    for (let at = start; ; ) {
      const length = message[at] ?? 0;
      if (length === 0) return NAME.toString("latin1", 0, Math.max(0, octets - 1));
      if (length >= 0xc0) {
        at = this.#pointedAt(at);
        continue;
      }
      message.copy(NAME, octets, at + 1, at + 1 + length);
      octets += length;
      NAME[octets++] = DOT;
      at += 1 + length;
    }
  }

  #pointedAt(at: number): number {
    return this.message.readUInt16BE(at) & 0x3fff;
  }

  /** What a record says that answers a question. */
  dataOf({ type, data, end }: WireRecord): RecordData[RecordType] | undefined {
    const message = this.message;
    switch (type) {
      case "A":
      case "AAAA":
        return ipAddressOfBytes(Uint8Array.prototype.slice.call(message, data, end));
      case "PTR":
        return this.name(data);
      case "MX":
        return { preference: message.readUInt16BE(data), exchange: this.name(data + 2) };
      case "TXT":
        return this.#text(data, end);
      default:
        return undefined;
    }
  }

  /** The character-strings joined without spaces (RFC 7208 section 3.3), in one piece, as they may be thousands. */
  #text(data: number, end: number): OctetString {
    const message = this.message;
    const first = data + 1 + (message[data] ?? 0);
    if (first === end) return message.toString("latin1", data + 1, end);
    const joined = Buffer.allocUnsafe(end - data);
    let octets = 0;
    for (let at = data; at < end; ) {
      const next = at + 1 + (message[at] ?? 0);
      octets += message.copy(joined, octets, at + 1, next);
      at = next;
    }
    return joined.toString("latin1", 0, octets);
  }
}
