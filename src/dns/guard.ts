/**
 * Checks a message before its records are read. Every message is walked first, in steps bounded by its length, and
 * what is not needed is made opaque; the reader after it can then trust lengths, pointers and names.
 */

const HEADER_OCTETS = 12;
const RECORDS_MAX = 1000;
/** Character-strings of all TXT records together. */
const STRINGS_MAX = 16_384;
/** Pointers inside one name; compressors chain a few. */
const POINTERS_MAX = 64;
/** Without the root's octet (RFC 1035 section 2.3.4). */
const NAME_OCTETS_MAX = 254;

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
