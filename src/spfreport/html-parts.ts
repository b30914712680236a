/** What the HTML report is made of: elements, plots in SVG that the classes of the style colour, the style. */
import { scaleBand, scaleLinear, scalePoint } from "d3-scale";
import { area, curveMonotoneX, line, stack } from "d3-shape";
import type { SpfResult } from "spf-check";
import type { DayRow } from "./report.ts";
import { grouped, shortDate } from "./words.ts";

/** A piece of markup in which nothing from outside is anything but text. */
export interface Markup {
  readonly markup: string;
}

/** Text, shown as it is. */
export function text(value: string): Markup {
  return { markup: escaped(value) };
}

/** An element; names are ours, values are escaped. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: readonly Markup[]
): Markup {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`);
  const inner = children.map(({ markup }) => markup).join("");
  return {
    markup: VOID.has(name)
      ? `<${name}${written.join("")}>`
      : `<${name}${written.join("")}>${inner}</${name}>`,
  };
}

const VOID = new Set(["meta"]);

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(value: string): string {
  return value.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? "");
}

/** From the bottom: what is well first, what is not known last. */
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

/** A bar next to a figure, as long as its share of the largest. */
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

/** The look of the report in a browser and on paper, light and dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --card: #fff; --ink: #1d2129; --soft: #5d6673; --line: #dfe2e6; --mark: #1f5fa8;
  --pass: #3f9b6e; --none: #c3c8cf; --neutral: #8d96a3; --softfail: #e2a72e; --fail: #cd4a3f;
  --temperror: #9a73d8; --permerror: #5d45a3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171c; --card: #1b1f26; --ink: #e6e8eb; --soft: #9aa4b1; --line: #323842; --mark: #8db9ec;
    --pass: #4faa7d; --none: #59616d; --neutral: #8a94a2; --softfail: #d9a441; --fail: #e0675c;
    --temperror: #ab8be3; --permerror: #8069cb;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
header h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; }
header .span { margin: 0 0 .75rem; color: var(--soft); }
header .headline { margin: 0; font-size: 1.1rem; max-width: 46rem; }
section { margin-top: 2.25rem; }
h2 { margin: 0; padding-bottom: .2rem; font-size: 1.15rem; border-bottom: 1px solid var(--line); }
.advice { margin: .4rem 0 .9rem; color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { padding: .2rem .6rem; text-align: left; font-weight: 600; font-size: .85rem; color: var(--soft); }
td { padding: .28rem .6rem; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th.n, td.n { width: 7rem; text-align: right; white-space: nowrap; overflow-wrap: normal; }
td.bar { width: 30%; }
td.key { width: 9rem; white-space: nowrap; }
td .note { color: var(--soft); }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); stroke-width: 1; }
.r-pass { fill: var(--pass); } .r-none { fill: var(--none); } .r-neutral { fill: var(--neutral); }
.r-softfail { fill: var(--softfail); } .r-fail { fill: var(--fail); }
.r-temperror { fill: var(--temperror); } .r-permerror { fill: var(--permerror); }
.area { fill: var(--fail); opacity: .22; } .curve { fill: none; stroke: var(--fail); stroke-width: 2; }
.dot { fill: var(--fail); }
.swatch { display: inline-block; width: .8rem; height: .8rem; margin-right: .45rem; vertical-align: -.08rem; }
.todo { margin: 0; padding: 0; list-style: none; }
.todo li { margin-top: .7rem; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line);
  border-left: 4px solid var(--mark); border-radius: 4px; break-inside: avoid; }
.todo .what { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .25rem 1.5rem; }
.todo code { font: 600 .95rem/1.5 ui-monospace, monospace; user-select: all; overflow-wrap: anywhere; }
.todo .what span { color: var(--soft); white-space: nowrap; }
.todo p { margin: .25rem 0 0; } .todo .risk { color: var(--soft); }
pre { margin: 0; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 4px;
  font: .9rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; user-select: all; }
h3 { margin: 1.1rem 0 .4rem; font-size: .95rem; }
footer { margin-top: 2.5rem; padding-top: .75rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .85rem; }
footer p { margin: 0 0 .25rem; }
@media (max-width: 40rem) { td.bar { display: none; } th.n, td.n { width: auto; } }
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb;
    --pass: #3f9b6e; --none: #c3c8cf; --neutral: #8d96a3; --softfail: #e2a72e; --fail: #cd4a3f;
    --temperror: #9a73d8; --permerror: #5d45a3; --mark: #1f5fa8; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; }
  h2, h3, .advice, thead { break-after: avoid; } tr, svg { break-inside: avoid; }
  svg rect, svg path, .swatch { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
