import { SpaceSaving } from "./space-saving.ts";

/** A client that fails for several domains under a verified name. */
export interface Forwarder {
  readonly ip: string;
  readonly ptr: string;
  /** Different sender domains, as far as they are told apart. */
  readonly domains: number;
  readonly count: number;
  readonly trend: readonly number[];
}

/** Domains of a client that are told apart; one that fails for more is listed with this many. */
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
