/** A small generator of pseudo-random numbers (xorshift32): the same seed gives the same run everywhere. */
export class Rng {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    // Zero is the one state that xorshift cannot leave, and small seeds begin alike without a stir.
    this.#state = Math.imul(this.seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0 || 1;
  }

  /** 32 random bits. */
  uint32(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }

  /** From 0 to below `limit`. */
  below(limit: number): number {
    return this.uint32() % limit;
  }

  /** True once in `n`. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("nothing to pick from");
    return items[this.below(items.length)] as T;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) bytes[i] = this.uint32() >>> 24;
    return bytes;
  }
}

/** Changes bytes the way that finds faults in parsers: flips, edge values, cuts, repeats, swaps, insertions. */
export function mutate(rng: Rng, input: Buffer): Buffer {
  let bytes = Buffer.from(input);
  for (let n = 1 + rng.below(6); n > 0; n--) bytes = mutateOnce(rng, bytes);
  return bytes;
}

const EDGES = [0, 1, 9, 10, 13, 32, 37, 60, 62, 0x7f, 0x80, 0xff];

function mutateOnce(rng: Rng, bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  if (bytes.length === 0) return Buffer.from(rng.bytes(1 + rng.below(8)));
  const at = rng.below(bytes.length);
  const to = Math.min(bytes.length, at + 1 + rng.below(16));
  switch (rng.below(8)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << rng.below(8));
      return bytes;
    case 1:
      bytes[at] = rng.pick(EDGES);
      return bytes;
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), rng.bytes(1 + rng.below(8)), bytes.subarray(at)]);
    case 5: {
      const from = rng.below(bytes.length);
      bytes.copyWithin(at, from, from + (to - at));
      return bytes;
    }
    case 6:
      if (at + 4 <= bytes.length)
        bytes.writeUInt32BE(rng.pick([0, 1, 0x7fffffff, 0xffffffff, rng.uint32()]), at);
      return bytes;
    default:
      return bytes.subarray(0, at);
  }
}
