/** Counts by value and by minute, in arrays made beforehand. */

/** Counts of values by upper bounds, as they are; the last of them has what is over every bound. */
export interface HistogramCounts {
  readonly bounds: readonly number[];
  /** One more than there are bounds; each value is in one of them. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

/** Counts values into buckets made beforehand: an observation is a short search and an addition. */
export class Histogram implements HistogramCounts {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;

  /** @param bounds upper bounds, rising */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Takes a value and returns the index of its bucket. */
  observe(value: number): number {
    const bucket = bucketOf(this.bounds, value);
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
    return bucket;
  }
}

function bucketOf(bounds: readonly number[], value: number): number {
  let index = 0;
  while (index < bounds.length && value > (bounds[index] ?? Infinity)) index++;
  return index;
}

/**
 * The value below which a share of the values is, as evenly spread inside its bucket; the highest bound for what is
 * over all of them, undefined without values.
 */
export function quantile(
  bounds: readonly number[],
  counts: ArrayLike<number>,
  share: number,
): number | undefined {
  let total = 0;
  for (let index = 0; index < counts.length; index++) total += counts[index] ?? 0;
  if (total === 0) return undefined;
  let rest = share * total;
  for (let index = 0; index < bounds.length; index++) {
    const count = counts[index] ?? 0;
    if (count > 0 && rest <= count) {
      const low = bounds[index - 1] ?? 0;
      return low + ((bounds[index] ?? low) - low) * (rest / count);
    }
    rest -= count;
  }
  return bounds.at(-1);
}

/** Counts by minute, for a fixed number of series and of minutes back; older ones fall out. */
export class MinuteRing {
  readonly #series: number;
  readonly #minutes: number;
  readonly #counts: Uint32Array;
  #row = 0;
  /** Minutes since the epoch, of the row that is counted into. */
  #minute: number;

  constructor(series: number, minutes: number, minute: number) {
    this.#series = series;
    this.#minutes = minutes;
    this.#counts = new Uint32Array(series * minutes);
    this.#minute = minute;
  }

  add(series: number, count = 1): void {
    const cell = this.#row * this.#series + series;
    this.#counts[cell] = (this.#counts[cell] ?? 0) + count;
  }

  /** Goes on to a minute; one that is not later changes nothing, so a clock set back loses nothing. */
  advance(minute: number): void {
    const steps = minute - this.#minute;
    if (steps <= 0) return;
    this.#minute = minute;
    for (let step = 0; step < Math.min(steps, this.#minutes); step++) {
      this.#row = (this.#row + 1) % this.#minutes;
      this.#counts.fill(0, this.#row * this.#series, (this.#row + 1) * this.#series);
    }
  }

  /** Each series summed over the last minutes, the current one among them. */
  sums(minutes: number): number[] {
    return this.#sumRows(0, minutes);
  }

  /**
   * The last minutes in groups, the latest group last. Groups lie on whole multiples of their length since the
   * epoch, so the latest is not full yet and no group changes once it is over.
   */
  groups(
    minutesPerGroup: number,
    groups: number,
  ): { readonly startMinute: number; readonly sums: number[] }[] {
    const current = (this.#minute % minutesPerGroup) + 1;
    const found: { startMinute: number; sums: number[] }[] = [];
    for (let back = groups - 1; back >= 0; back--) {
      const from = back === 0 ? 0 : current + (back - 1) * minutesPerGroup;
      const length = back === 0 ? current : minutesPerGroup;
      found.push({ startMinute: this.#minute - from - length + 1, sums: this.#sumRows(from, from + length) });
    }
    return found;
  }

  #sumRows(from: number, to: number): number[] {
    const sums = new Array<number>(this.#series).fill(0);
    for (let back = from; back < Math.min(to, this.#minutes); back++) {
      const row = (this.#row - back + this.#minutes) % this.#minutes;
      for (let series = 0; series < this.#series; series++) {
        sums[series] = (sums[series] ?? 0) + (this.#counts[row * this.#series + series] ?? 0);
      }
    }
    return sums;
  }
}
