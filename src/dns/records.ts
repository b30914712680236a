import type { RecordData, RecordType } from "spf-check";
import { ipAddressOfBytes, type OctetString } from "../address/index.ts";

/** The record types that are read (RFC 1035 section 3.2.2, RFC 3596). */
const TYPES = { A: 1, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28 } as const;
const TYPE_NAMES = new Map<number, keyof typeof TYPES>(
  Object.entries(TYPES).map(([name, code]) => [code, name as keyof typeof TYPES]),
);

const DOT = 0x2e;
/** Where a name is put together, with a dot after each label; no longer one passes the guard. */
const NAME = Buffer.alloc(256);

/** One record of a message, its data not read yet. */
export interface WireRecord {
  readonly type: keyof typeof TYPES;
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
