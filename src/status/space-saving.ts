/** The most frequent keys of a stream, and the clients that fail for most domains, in bounded memory. */

/** A key among the most frequent. */
export interface Frequent<Label> {
  readonly key: string;
  /** How often it was certainly seen since it got its place. */
  readonly count: number;
  readonly label: Label;
  /** What was seen in each of the last columns of time, the latest last. */
  readonly trend: readonly number[];
}

/**
 * The most frequent keys of a stream in bounded memory (Space-Saving; Metwally, Agrawal, El Abbadi 2005): as many
 * counters as there are places; a key without one takes that of the rarest and inherits its count as an error. With
 * N keys seen, whatever makes up more than N/places of them has a place, and a flood of keys that come once
 * displaces none of those.
 */
export class SpaceSaving<Label> {
  readonly #places: number;
  readonly #columns: number;
  readonly #slots = new Map<string, number>();
  readonly #keys: string[] = [];
  readonly #labels: Label[] = [];
  readonly #counts: Float64Array;
  readonly #errors: Float64Array;
  readonly #trend: Uint32Array;
  /** Slots as a heap, the rarest first, and where in it each slot is. */
  readonly #heap: Int32Array;
  readonly #position: Int32Array;
  #column = 0;

  constructor(places: number, columns: number) {
    this.#places = places;
    this.#columns = columns;
    this.#counts = new Float64Array(places);
    this.#errors = new Float64Array(places);
    this.#trend = new Uint32Array(places * columns);
    this.#heap = new Int32Array(places);
    this.#position = new Int32Array(places);
  }

  /**
   * Takes a key. The returned slot is the key's for as long as it keeps its place.
   *
   * @param own makes the texts to be kept, which must not hold on to the packets they come from; asked for a key
   * that gets a place only
   */
  add(key: string, own: (key: string) => { readonly key: string; readonly label: Label }): number {
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = this.#keys.length;
      if (slot < this.#places) {
        this.#heap[slot] = slot;
        this.#position[slot] = slot;
      } else {
        slot = this.#heap[0] ?? 0;
        this.#slots.delete(this.#keys[slot] ?? "");
        this.#errors[slot] = this.#counts[slot] ?? 0;
        this.#trend.fill(0, slot * this.#columns, (slot + 1) * this.#columns);
      }
      const kept = own(key);
      this.#keys[slot] = kept.key;
      this.#labels[slot] = kept.label;
      this.#slots.set(kept.key, slot);
      if (this.#errors[slot] === 0) this.#rise(slot);
    }
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
    this.#sink(slot);
    const cell = slot * this.#columns + this.#column;
    this.#trend[cell] = (this.#trend[cell] ?? 0) + 1;
    return slot;
  }

  /** How often the key in a slot was certainly seen. */
  count(slot: number): number {
    return (this.#counts[slot] ?? 0) - (this.#errors[slot] ?? 0);
  }

  label(slot: number): Label | undefined {
    return this.#labels[slot];
  }

  relabel(slot: number, label: Label): void {
    this.#labels[slot] = label;
  }

  /** So many columns of time have gone by. */
  advance(columns: number): void {
    for (let step = 0; step < Math.min(columns, this.#columns); step++) {
      this.#column = (this.#column + 1) % this.#columns;
      for (let cell = this.#column; cell < this.#trend.length; cell += this.#columns) this.#trend[cell] = 0;
    }
  }

  /** The slots in use, most frequent first. */
  slots(): number[] {
    return this.#keys
      .map((_, slot) => slot)
      .sort((a, b) => this.count(b) - this.count(a) || (this.#counts[b] ?? 0) - (this.#counts[a] ?? 0));
  }

  at(slot: number): Frequent<Label> | undefined {
    const key = this.#keys[slot];
    const label = this.#labels[slot];
    if (key === undefined || label === undefined) return undefined;
    const trend: number[] = [];
    for (let step = 1; step <= this.#columns; step++) {
      trend.push(this.#trend[slot * this.#columns + ((this.#column + step) % this.#columns)] ?? 0);
    }
    return { key, count: this.count(slot), label, trend };
  }

  /** The most frequent keys. */
  top(rows: number): Frequent<Label>[] {
    return this.slots()
      .slice(0, rows)
      .flatMap((slot) => this.at(slot) ?? []);
  }

  #sink(slot: number): void {
    const size = this.#keys.length;
    for (;;) {
      const at = this.#position[slot] ?? 0;
      let child = 2 * at + 1;
      if (child >= size) return;
      if (child + 1 < size && this.#countAt(child + 1) < this.#countAt(child)) child++;
      if (this.#countAt(child) >= this.#countAt(at)) return;
      this.#swap(at, child);
    }
  }

  #rise(slot: number): void {
    for (;;) {
      const at = this.#position[slot] ?? 0;
      const parent = (at - 1) >> 1;
      if (at === 0 || this.#countAt(parent) <= this.#countAt(at)) return;
      this.#swap(at, parent);
    }
  }

  #countAt(position: number): number {
    return this.#counts[this.#heap[position] ?? 0] ?? 0;
  }

  #swap(a: number, b: number): void {
    const slotA = this.#heap[a] ?? 0;
    const slotB = this.#heap[b] ?? 0;
    this.#heap[a] = slotB;
    this.#heap[b] = slotA;
    this.#position[slotA] = b;
    this.#position[slotB] = a;
  }
}

/** A client that fails for several domains under a verified name. */
export interface Forwarder {
  readonly ip: string;
  readonly ptr: string;
  /** Different sender domains, as far as they are distinguished. */
  readonly domains: number;
  readonly count: number;
  readonly trend: readonly number[];
}

/** Domains of a client that are distinguished; one that fails for more is listed with this many. */
const DOMAINS_MAX = 16;

/** The clients that fail, and for how many domains each, in bounded memory. */
export class Forwarders {
  readonly #clients: SpaceSaving<string>;
  /** Hashes of the domains of each slot. */
  readonly #domains: Uint32Array;
  readonly #counts: Uint8Array;

  constructor(places: number, columns: number) {
    this.#clients = new SpaceSaving(places, columns);
    this.#domains = new Uint32Array(places * DOMAINS_MAX);
    this.#counts = new Uint8Array(places);
  }

  add(ip: string, domain: string, own: (ip: string) => { key: string; label: string }): void {
    const slot = this.#clients.add(ip, own);
    if (this.#clients.count(slot) === 1) this.#counts[slot] = 0;
    const count = this.#counts[slot] ?? 0;
    const first = slot * DOMAINS_MAX;
    const hash = hashOf(domain);
    if (count === DOMAINS_MAX || this.#domains.subarray(first, first + count).includes(hash)) return;
    this.#domains[first + count] = hash;
    this.#counts[slot] = count + 1;
  }

  advance(columns: number): void {
    this.#clients.advance(columns);
  }

  /** Those that fail for this many domains or more, most domains first. */
  top(rows: number, domainsMin: number): Forwarder[] {
    return this.#clients
      .slots()
      .filter((slot) => (this.#counts[slot] ?? 0) >= domainsMin)
      .sort((a, b) => (this.#counts[b] ?? 0) - (this.#counts[a] ?? 0))
      .slice(0, rows)
      .flatMap((slot) => {
        const client = this.#clients.at(slot);
        if (client === undefined) return [];
        const { key, label, count, trend } = client;
        return [{ ip: key, ptr: label, domains: this.#counts[slot] ?? 0, count, trend }];
      });
  }
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
