import type { StatusDocument } from "../document.ts";
import { button, byId, element, number, outside, Rows } from "./dom.ts";

/** Rows of a list until more are asked for. */
const ROWS = 10;

/** A row of any list, ready to be shown. */
interface TopRow {
  readonly key: string;
  readonly name: string;
  readonly under: string;
  readonly count: number;
  readonly trend: readonly number[] | undefined;
  readonly line: string | null;
}

interface List {
  readonly title: string;
  readonly what: string;
  readonly count: string;
  readonly empty: string;
  readonly rows: (top: StatusDocument["top"]) => readonly TopRow[];
}

const LISTS: readonly List[] = [
  {
    title: "Domains refused",
    what: "Domain",
    count: "Refused",
    empty: "No mail was refused.",
    rows: (top) =>
      top.domains_refused.map((row) => ({ ...row, key: row.domain, name: row.domain, under: "" })),
  },
  {
    title: "Clients refused",
    what: "Client",
    count: "Refused",
    empty: "No client was refused.",
    rows: (top) =>
      top.clients_refused.map((row) => ({ ...row, key: row.ip, name: row.ip, under: nameIn(row.ptr) })),
  },
  {
    title: "Domains in error",
    what: "Domain and what is wrong",
    count: "Results",
    empty: "Every record could be evaluated.",
    rows: (top) =>
      top.domains_in_error.map((row) => ({
        ...row,
        key: row.domain,
        name: row.domain,
        under: `${row.result}: ${row.problem}`,
      })),
  },
  {
    title: "Forwarders to look at",
    what: "Client that fails for several domains",
    count: "Failed",
    empty: "No client with a verified name fails for three domains or more.",
    rows: (top) =>
      top.forwarders.map((row) => ({
        ...row,
        key: row.ip,
        name: row.ptr,
        under: `${row.ip}, ${row.domains} domains`,
      })),
  },
  {
    title: "Rules",
    what: "Line of smf-spf.conf",
    count: "Hits",
    empty: "No line of smf-spf.conf lets mail pass or refuses it.",
    rows: (top) =>
      top.rules.map((row) => ({
        key: row.line,
        name: row.rule,
        under: row.hits === 0 ? `${row.line}, never hit` : row.line,
        count: row.hits,
        trend: undefined,
        line: row.rule,
      })),
  },
];

/** The lists of the most frequent, each row with a line for smf-spf.conf. */
export function createTops(copy: (line: string) => void): (top: StatusDocument["top"]) => void {
  const shows = LISTS.map((list) => createList(list, copy));
  return (top) => {
    for (const show of shows) show(top);
  };
}

function createList(list: List, copy: (line: string) => void): (top: StatusDocument["top"]) => void {
  const id = list.title.toLowerCase().replaceAll(" ", "-");
  const body = element("tbody");
  const hasTrend = list.title !== "Rules";
  const head = element("tr", "", headCell(list.what), headCell(list.count, "count"));
  if (hasTrend) head.append(headCell("24 hours", "trend"));
  head.append(headCell("", "act", "Line for smf-spf.conf"));
  const table = element("table", "", element("thead", "", head), body);
  const empty = element("p", "empty", list.empty);
  const title = element("h2", "", list.title);
  title.id = id;
  table.setAttribute("aria-labelledby", id);
  let all = false;
  let latest: readonly TopRow[] = [];
  const more = element("button", "more");
  more.type = "button";
  const rows = new Rows<TopRow>(
    body,
    ({ key }) => key,
    (row) => rowOf(row, hasTrend, copy),
  );
  const show = (): void => {
    rows.show(all ? latest : latest.slice(0, ROWS));
    table.hidden = latest.length === 0;
    empty.hidden = latest.length > 0;
    more.hidden = latest.length <= ROWS;
    more.textContent = all ? `Show the first ${ROWS}` : `Show all ${latest.length}`;
    more.setAttribute("aria-expanded", String(all));
  };
  more.addEventListener("click", () => {
    all = !all;
    show();
  });
  const section = element(
    "section",
    list.title === "Domains in error" ? "wide" : "",
    element("div", "head", title),
    table,
    empty,
    more,
  );
  section.setAttribute("aria-labelledby", id);
  byId("tops").append(section);
  return (top) => {
    latest = list.rows(top);
    show();
  };
}

function headCell(text: string, className = "", unseen = ""): HTMLElement {
  const cell = element("th", className, unseen === "" ? text : element("span", "unseen", unseen));
  cell.scope = "col";
  return cell;
}

function rowOf(row: TopRow, hasTrend: boolean, copy: (line: string) => void): HTMLElement {
  const name = element("td", row.count === 0 ? "never" : "", outside(row.name));
  if (row.under !== "") name.append(element("span", "under", outside(row.under)));
  const made = element("tr", "", name, element("td", "count", number(row.count)));
  if (hasTrend) made.append(element("td", "trend", spark(row.trend ?? [])));
  const { line } = row;
  const act = element("td", "act");
  if (line !== null) {
    const offer = button("Copy", `Copy the line ${line}`, () => {
      copy(line);
    });
    offer.title = line;
    act.append(offer);
  }
  made.append(act);
  return made;
}

/** A host name; what an MTA gives instead of one says no more than the address. */
function nameIn(ptr: string): string {
  return ptr.startsWith("[") ? "" : ptr;
}

const SVG = "http://www.w3.org/2000/svg";

function spark(trend: readonly number[]): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", `0 0 ${trend.length * 4} 20`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const highest = Math.max(1, ...trend);
  for (const [index, count] of trend.entries()) {
    const height = count === 0 ? 1 : Math.max(2, (count / highest) * 20);
    const bar = document.createElementNS(SVG, "rect");
    if (count === 0) bar.setAttribute("class", "floor");
    bar.setAttribute("x", String(index * 4));
    bar.setAttribute("y", String(20 - height));
    bar.setAttribute("width", "3");
    bar.setAttribute("height", String(height));
    svg.append(bar);
  }
  return svg;
}
