/** An entry of a {@link BoundedTable}. */
export interface Counted {
  /** Entries with the most are kept longest. */
  count: number;
}

/**
 * A table whose memory is bounded, whatever keys come: exact up to `size` keys, then a sketch of the frequent ones. When
 * it is full the less frequent half is dropped (as the Misra-Gries family does); `lost` bounds by how much the count
 * of any entry may be too low.
 */
export class BoundedTable<Entry extends Counted> {
  readonly #entries = new Map<string, Entry>();
  readonly #sizeMax: number;
  #lost = 0;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /** How much each count may be too low; 0 while everything is exact. */
  get lost(): number {
    return this.#lost;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Adds an entry that is not there yet. The key is kept, so it must not be a piece of a larger text. */
  add(key: string, entry: Entry): Entry {
    if (this.#entries.size >= this.#sizeMax) this.#dropHalf();
    this.#entries.set(key, entry);
    return entry;
  }

  values(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  entries(): IterableIterator<[string, Entry]> {
    return this.#entries.entries();
  }

  #dropHalf(): void {
    const counts = Float64Array.from(this.#entries.values(), ({ count }) => count).sort();
    const median = counts[counts.length >> 1] ?? 0;
    let room = counts.length >> 1;
    let dropped = 0;
    for (const [key, { count }] of this.#entries) {
      if (count > median || room === 0) continue;
      this.#entries.delete(key);
      room--;
      dropped = Math.max(dropped, count);
    }
    this.#lost += dropped;
  }
}
