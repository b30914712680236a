/** The plots of the HTML report: SVG as text, coloured by the classes of its style. */
import { scaleBand, scaleLinear, scalePoint } from "d3-scale";
import { area, curveMonotoneX, line, stack } from "d3-shape";
import type { SpfResult } from "spf-check";
import { element, type Markup, text } from "./markup.ts";
import type { DayRow } from "./report.ts";
import { grouped, shortDate } from "./words.ts";

/** What is well lies at the bottom, what is not known on top. */
export const STACKED: readonly SpfResult[] = [
  "pass",
  "none",
  "neutral",
  "softfail",
  "fail",
  "temperror",
  "permerror",
];

const WIDTH = 960;
const LEFT = 56;
const RIGHT = 8;
const TOP = 12;
const BOTTOM = 26;
const LABELS_MAX = 10;

/** The results of each day, stacked. */
export function resultsByDay(days: readonly DayRow[]): Markup {
  const height = 260;
  const x = scaleBand()
    .domain(days.map(({ date }) => date))
    .range([LEFT, WIDTH - RIGHT])
    .padding(days.length > 60 ? 0.05 : 0.2);
  const most = Math.max(1, ...days.map(totalOf));
  const y = scaleLinear()
    .domain([0, most])
    .nice(4)
    .range([height - BOTTOM, TOP]);
  const layers = stack<unknown, DayRow, SpfResult>()
    .keys(STACKED)
    .value((day, result) => day.results[result])(days);
  const bars = layers.flatMap((layer) =>
    layer.flatMap((point) => {
      const [from, to] = point;
      const day = point.data;
      if (to <= from) return [];
      return element(
        "rect",
        { class: `r-${layer.key}`, ...box(x(day.date) ?? 0, y(to), x.bandwidth(), y(from) - y(to)) },
        element("title", {}, text(`${shortDate(day.date)}: ${grouped(day.results[layer.key])} ${layer.key}`)),
      );
    }),
  );
  const middle = (date: string): number => (x(date) ?? 0) + x.bandwidth() / 2;
  return plot(height, "Results by day", [...grid(y), ...bars, ...dates(days, middle, height)]);
}

/** How many messages of each day were refused, or would have been. */
export function refusedByDay(days: readonly DayRow[]): Markup {
  const height = 170;
  const x = scalePoint()
    .domain(days.map(({ date }) => date))
    .range([LEFT, WIDTH - RIGHT])
    .padding(0.5);
  const refusals = ({ refused, reportOnly }: DayRow): number => refused + reportOnly;
  const y = scaleLinear()
    .domain([0, Math.max(1, ...days.map(refusals))])
    .nice(3)
    .range([height - BOTTOM, TOP]);
  const at = (day: DayRow): number => x(day.date) ?? 0;
  const surface = area<DayRow>()
    .x(at)
    .y0(y(0))
    .y1((day) => y(refusals(day)))
    .curve(curveMonotoneX)
    .digits(1);
  const curve = line<DayRow>()
    .x(at)
    .y((day) => y(refusals(day)))
    .curve(curveMonotoneX)
    .digits(1);
  const dots = days.map((day) =>
    element(
      "circle",
      { class: "dot", cx: rounded(at(day)), cy: rounded(y(refusals(day))), r: days.length > 60 ? 1.5 : 3 },
      element("title", {}, text(`${shortDate(day.date)}: ${grouped(refusals(day))}`)),
    ),
  );
  return plot(height, "Messages refused, or that would be, by day", [
    ...grid(y, 3),
    element("path", { class: "area", d: surface(days) ?? "" }),
    element("path", { class: "curve", d: curve(days) ?? "" }),
    ...dots,
    ...dates(days, (date) => x(date) ?? 0, height),
  ]);
}

/** A bar beside a figure, as long as its share of the largest. */
export function shareBar(
  parts: readonly { readonly name: SpfResult; readonly count: number }[],
  most: number,
): Markup {
  const x = scaleLinear()
    .domain([0, Math.max(1, most)])
    .range([0, 300]);
  let from = 0;
  const rects = parts.map(({ name, count }) => {
    const rect = element("rect", {
      class: `r-${name}`,
      ...box(x(from), 0, Math.max(count > 0 ? 1.5 : 0, x(count)), 12),
    });
    from += count;
    return rect;
  });
  return element("svg", { viewBox: "0 0 300 12", "aria-hidden": "true" }, ...rects);
}

/** The colour of a result, for a legend. */
export function swatch(result: SpfResult): Markup {
  return element(
    "svg",
    { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" },
    element("rect", { class: `r-${result}`, width: 10, height: 10, rx: 2 }),
  );
}

function plot(height: number, label: string, parts: readonly Markup[]): Markup {
  return element("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label }, ...parts);
}

function totalOf({ results }: DayRow): number {
  return STACKED.reduce((sum, result) => sum + results[result], 0);
}

function grid(y: ReturnType<typeof scaleLinear<number, number>>, ticks = 4): Markup[] {
  return y
    .ticks(ticks)
    .filter(Number.isInteger)
    .flatMap((tick) => [
      element("line", {
        class: "grid",
        x1: LEFT,
        x2: WIDTH - RIGHT,
        y1: rounded(y(tick)),
        y2: rounded(y(tick)),
      }),
      element("text", { x: LEFT - 8, y: rounded(y(tick) + 4), "text-anchor": "end" }, text(grouped(tick))),
    ]);
}

/** As many dates below the plot as there is room for. */
function dates(days: readonly DayRow[], x: (date: string) => number, height: number): Markup[] {
  const step = Math.ceil(days.length / LABELS_MAX);
  return days
    .filter((_, i) => i % step === 0)
    .map(({ date }) =>
      element(
        "text",
        { x: rounded(x(date)), y: height - 8, "text-anchor": "middle" },
        text(shortDate(date).slice(4).trim()),
      ),
    );
}

function box(x: number, y: number, width: number, height: number) {
  return { x: rounded(x), y: rounded(y), width: rounded(width), height: rounded(height) };
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
