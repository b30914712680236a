import uPlot from "uplot";
import type { Series } from "../document.ts";

/** The results from the bottom of the stack to its top. */
export const RESULTS = ["pass", "none", "neutral", "softfail", "fail", "temperror", "permerror"] as const;

const STEP_SECONDS = { hour: 60, day: 900, week: 3600 } as const;
export type Period = keyof typeof STEP_SECONDS;

/** Results over time, stacked. */
export class ResultsPlot {
  readonly #target: HTMLElement;
  #plot: uPlot | undefined;
  #period: Period | undefined;
  #latest: { series: Series; period: Period } | undefined;

  constructor(target: HTMLElement) {
    this.#target = target;
    new ResizeObserver(() => {
      this.#plot?.setSize(this.#size());
    }).observe(target);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#period = undefined;
      if (this.#latest !== undefined) this.show(this.#latest.series, this.#latest.period);
    });
  }

  show(series: Series, period: Period): void {
    this.#latest = { series, period };
    const data = stacked(series);
    if (this.#plot !== undefined && this.#period === period) {
      this.#plot.setData(data);
      return;
    }
    this.#plot?.destroy();
    this.#period = period;
    this.#plot = new uPlot(this.#options(period), data, this.#target);
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(200, this.#target.clientWidth), height: this.#target.clientHeight };
  }

  #options(period: Period): uPlot.Options {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: colour("soft"),
      grid: { stroke: colour("faint"), width: 1 },
      ticks: { stroke: colour("edge"), width: 1, size: 4 },
      font: "12px system-ui, sans-serif",
    };
    const bars = uPlot.paths.bars?.({ size: [0.85, 60], align: 1 });
    return {
      ...this.#size(),
      padding: [8, 8, 0, 0],
      cursor: { show: false },
      select: { show: false, left: 0, top: 0, width: 0, height: 0 },
      legend: { show: false },
      scales: {
        x: { time: true, range: (_plot, min, max) => [min, max + STEP_SECONDS[period]] },
        y: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.08)] },
      },
      axes: [
        {
          ...axis,
          size: 30,
          space: 60,
          values: (_plot, splits) => splits.map((seconds) => timeLabel(seconds, period)),
        },
        {
          ...axis,
          size: 52,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6],
        },
      ],
      series: [
        {},
        ...[...RESULTS].reverse().map((result) => ({
          label: result,
          fill: colour(result),
          stroke: colour(result),
          width: 0,
          ...(bars === undefined ? {} : { paths: bars }),
          points: { show: false },
        })),
      ],
    };
  }
}

/** The highest of the stack first, so that each lower one is drawn over it. */
function stacked({ time, results }: Series): uPlot.AlignedData {
  const below = new Array<number>(time.length).fill(0);
  const levels = RESULTS.map((result) => {
    const counts = results[result];
    for (const index of below.keys()) below[index] = (below[index] ?? 0) + (counts[index] ?? 0);
    return [...below];
  });
  return [[...time], ...levels.reverse()];
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

function timeLabel(seconds: number, period: Period): string {
  const time = new Date(seconds * 1000);
  const hours = `${String(time.getHours()).padStart(2, "0")}:${String(time.getMinutes()).padStart(2, "0")}`;
  return period === "week" ? `${DAYS[time.getDay()] ?? ""} ${time.getDate()}` : hours;
}
