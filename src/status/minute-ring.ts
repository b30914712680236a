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
