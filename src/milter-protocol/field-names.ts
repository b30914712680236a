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
