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
