import { PACKET_BYTES_MAX } from "./constants.ts";
import { ProtocolError } from "./protocol-error.ts";

/**
 * The names of the header fields that a handler wants, to be looked up in packets as they are: most fields of
 * most messages are of no interest, and a string for each of them would be most of what they cost.
 */
export class FieldNames {
  readonly #names: ReadonlySet<string>;
  readonly #octetsMax: number;
  /** By length: whether a name of that many octets is among them. */
  readonly #lengths: readonly boolean[];

  /** @param names in lower case */
  constructor(names: ReadonlySet<string>) {
    this.#names = names;
    this.#octetsMax = Math.max(0, ...[...names].map((name) => name.length));
    const lengths = new Array<boolean>(this.#octetsMax + 1).fill(false);
    for (const { length } of names) lengths[length] = true;
    this.#lengths = lengths;
  }

  /** Whether the data of SMFIC_HEADER from `start` to `end` are of such a field, or not to be read at all. */
  wants(bytes: Buffer, start: number, end: number): boolean {
    const last = end - 1;
    if (last <= start || bytes[last] !== 0) return true;
    const limit = Math.min(last, start + this.#octetsMax + 1);
    let nameEnd = start;
    while (nameEnd < limit && bytes[nameEnd] !== 0) nameEnd++;
    const length = nameEnd - start;
    if (length > this.#octetsMax) return bytes.indexOf(0, nameEnd) === last;
    if (nameEnd === last) return true;
    return (
      this.#lengths[length] === true &&
      this.#names.has(bytes.toString("latin1", start, nameEnd).toLowerCase())
    );
  }
}

/** One packet: a command or response octet, and what follows it. */
export interface Packet {
  readonly command: number;
  /** A view of what was received, not a copy; valid as long as it is held. */
  readonly payload: Buffer;
  /** The same as a string of octets. */
  readonly text: string;
}

/** A packet where it was received. A view of its octets is made when it is asked for: many never are. */
export class ReceivedPacket implements Packet {
  readonly command: number;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;

  /** The command stands at `start`. */
  constructor(bytes: Buffer, start: number, end: number) {
    this.command = bytes[start] as number;
    this.#bytes = bytes;
    this.#start = start + 1;
    this.#end = end;
  }

  /** Octets, the command not counted. */
  get size(): number {
    return this.#end - this.#start;
  }

  get payload(): Buffer {
    return this.#start === this.#end ? NOTHING : this.#bytes.subarray(this.#start, this.#end);
  }

  get text(): string {
    return this.#start === this.#end ? "" : this.#bytes.toString("latin1", this.#start, this.#end);
  }

  /** Of SMFIC_HEADER: whether it must be decoded for a handler that wants these fields. */
  isField(names: FieldNames): boolean {
    return names.wants(this.#bytes, this.#start, this.#end);
  }
}

const LENGTH_BYTES = 4;
const NOTHING = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into packets: four octets of length in network order, then that many octets.
 * Chunks may split the stream anywhere. Bytes are copied only where a packet spans chunks, and room is made
 * as bytes arrive, never on the word of a length field.
 */
export class PacketDecoder {
  readonly #packetBytesMax: number;
  #buffer: Buffer = NOTHING;
  #start = 0;
  #end = 0;
  /** Whether the buffer is ours and may be written to behind `#end`. */
  #owned = false;

  constructor(packetBytesMax: number = PACKET_BYTES_MAX) {
    this.#packetBytesMax = packetBytesMax;
  }

  /** Octets received and not yet handed out. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** Octets of memory that what is pending holds. */
  get heldBytes(): number {
    return this.#buffer.length;
  }

  /** Takes bytes in; the chunk must not be written to afterwards. */
  append(chunk: Buffer): void {
    const pending = this.#end - this.#start;
    if (pending === 0) {
      this.#buffer = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#owned = false;
      return;
    }
    if (!this.#owned || this.#end + chunk.length > this.#buffer.length) {
      // Doubling keeps a packet that comes an octet at a time linear. Earlier views stay valid: what has
      // been handed out is never moved or overwritten.
      const grown = Buffer.allocUnsafeSlow(Math.max(256, (pending + chunk.length) * 2));
      this.#buffer.copy(grown, 0, this.#start, this.#end);
      this.#buffer = grown;
      this.#start = 0;
      this.#end = pending;
      this.#owned = true;
    }
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  /**
   * The next whole packet, or undefined until more bytes are there.
   * Throws {@link ProtocolError} `packet-empty` and `packet-too-long`, as soon as the length is read.
   */
  next(): ReceivedPacket | undefined {
    const pending = this.#end - this.#start;
    if (pending < LENGTH_BYTES) return undefined;
    const length = this.#buffer.readUInt32BE(this.#start);
    if (length === 0) throw new ProtocolError("packet-empty");
    if (length > this.#packetBytesMax) throw new ProtocolError("packet-too-long", `${length} octets`);
    if (pending < LENGTH_BYTES + length) return undefined;
    const from = this.#start + LENGTH_BYTES;
    const to = from + length;
    const packet = new ReceivedPacket(this.#buffer, from, to);
    this.#start = to;
    if (to === this.#end) {
      this.#buffer = NOTHING;
      this.#start = 0;
      this.#end = 0;
    }
    return packet;
  }
}
