import type { DecisionRow } from "../document.ts";
import { button, byId, clock, dayAndTime, element, outside, Rows, setText } from "./dom.ts";

const SOURCES = { cache: "from memory", joined: "shared wait", dns: "", shared: "shared cache" } as const;

/** A phone, as page.css has it. */
const NARROW = matchMedia("(max-width: 44rem)");

/** Rows at first, and as many more with each "Show older": what one scrolls through on the way to the end of the page. */
function rowsOfPage(): number {
  return NARROW.matches ? 10 : 50;
}

/** A decision with a key of its own: the same mail may come twice in a millisecond. */
interface Row extends DecisionRow {
  readonly key: string;
}

/** The last decisions with a filter, and for each its evaluation. */
export class DecisionList {
  readonly #rows: Rows<Row>;
  readonly #filter = byId("filter") as HTMLInputElement;
  readonly #older = byId("older");
  #latest: readonly Row[] = [];
  #pages = 1;
  #waiting: readonly Row[] | undefined;
  #open: { key: string; row: HTMLElement } | undefined;

  constructor() {
    const body = byId("decisions");
    this.#rows = new Rows<Row>(
      body,
      ({ key }) => key,
      (row) => this.#rowOf(row),
    );
    this.#filter.addEventListener("input", () => {
      this.#close();
      this.#pages = 1;
      this.#catchUp();
    });
    NARROW.addEventListener("change", () => {
      this.#draw();
    });
    this.#older.addEventListener("click", () => {
      this.#close();
      this.#pages++;
      this.#draw();
    });
  }

  /** Newest first. While an evaluation is open the list stays as it is. */
  show(decisions: readonly DecisionRow[]): void {
    const seen = new Map<string, number>();
    // Counted from the oldest, so that what comes later does not change the keys.
    const rows = decisions.toReversed().map((decision) => {
      const { time, ip, from, helo, identity } = decision;
      const key = JSON.stringify([time, ip, from, helo, identity]);
      const nth = (seen.get(key) ?? 0) + 1;
      seen.set(key, nth);
      return { ...decision, key: `${key} ${nth}` };
    });
    rows.reverse();
    if (this.#open !== undefined) {
      this.#waiting = rows;
      this.#tell();
      return;
    }
    this.#latest = rows;
    this.#draw();
  }

  #draw(): void {
    const matches = this.#matching();
    const limit = this.#pages * rowsOfPage();
    if (this.#open === undefined) this.#rows.show(matches.slice(0, limit));
    this.#older.hidden = matches.length <= limit;
    const none = byId("none");
    none.hidden = matches.length > 0;
    setText(none, this.#latest.length === 0 ? "No mail yet." : "No decision matches the filter.");
    this.#tell(matches.length);
  }

  #matching(): readonly Row[] {
    const words = this.#filter.value
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "" && word !== "-");
    if (words.length === 0) return this.#latest;
    return this.#latest.filter((row) => {
      const text = textOf(row);
      return words.every((word) =>
        word.startsWith("-") ? !text.includes(word.slice(1)) : text.includes(word),
      );
    });
  }

  #tell(matches = this.#matching().length): void {
    const all = this.#latest.length;
    const waiting =
      this.#waiting?.filter(({ key }) => !this.#latest.some((row) => row.key === key)).length ?? 0;
    const limit = this.#pages * rowsOfPage();
    const seen = all <= limit ? `${all} shown` : `the newest ${limit} of ${all}`;
    const shown = matches === all ? seen : `${matches} of ${all} match`;
    setText(
      byId("shown"),
      waiting === 0 ? shown : `${shown}; ${waiting} newer when the evaluation is closed`,
    );
  }

  #rowOf(row: Row): HTMLElement {
    const time = element("time", "", clock(new Date(row.time)));
    time.dateTime = row.time;
    time.title = dayAndTime(new Date(row.time));
    const result = element("td", "result", badge(row.result));
    const source = [row.identity === "helo" ? "HELO name" : "", SOURCES[row.source]].filter(
      (text) => text !== "",
    );
    if (source.length > 0) result.append(element("span", "under", source.join(", ")));
    const client = element("td", "client", outside(row.ip));
    if (row.ptr !== "" && !row.ptr.startsWith("[")) client.append(element("span", "under", outside(row.ptr)));
    const done = element("td", "done");
    if (row.action !== null) {
      done.append(row.action.replace("_", " "), row.report_only ? " (report only)" : "");
      if (row.rule !== null) done.append(element("span", "under", row.rule));
    }
    const act = button(
      "Why",
      `Evaluate again: ${row.from === "" ? "null sender" : row.from} from ${row.ip}`,
      () => {
        this.#toggle(row, made, act);
      },
    );
    act.setAttribute("aria-expanded", "false");
    const made = element(
      "tr",
      "",
      element("td", "time", time),
      result,
      element("td", "from", row.from === "" ? "<>" : outside(row.from)),
      client,
      element("td", "helo", outside(row.helo)),
      done,
      element("td", "queue", row.queue === null ? "" : outside(row.queue)),
      element("td", "act", act),
    );
    return made;
  }

  #toggle(row: Row, made: HTMLElement, act: HTMLButtonElement): void {
    const wasOpen = this.#open?.key === row.key;
    this.#close();
    if (wasOpen) {
      this.#catchUp();
      return;
    }
    const cell = element("td");
    cell.colSpan = 8;
    const tree = element("div", "tree", "Asking DNS …");
    tree.setAttribute("role", "status");
    cell.append(tree);
    const detail = element("tr", "detail", cell);
    made.after(detail);
    act.setAttribute("aria-expanded", "true");
    this.#open = { key: row.key, row: detail };
    void evaluationTree(row).then((nodes) => {
      tree.replaceChildren(...nodes);
    });
  }

  #close(): void {
    if (this.#open === undefined) return;
    this.#open.row.previousElementSibling?.querySelector("button")?.setAttribute("aria-expanded", "false");
    this.#open.row.remove();
    this.#open = undefined;
  }

  #catchUp(): void {
    if (this.#waiting !== undefined) this.#latest = this.#waiting;
    this.#waiting = undefined;
    this.#draw();
  }
}

/** A result with its colour; the word is what says it. */
function badge(result: string): HTMLElement {
  const swatch = element("span", `swatch ${result}`);
  swatch.setAttribute("aria-hidden", "true");
  return element("span", "badge", swatch, result);
}

/** What the filter looks at, in lower case. */
function textOf({
  result,
  identity,
  source,
  ip,
  ptr,
  helo,
  from,
  queue,
  action,
  rule,
  report_only: only,
}: Row): string {
  const words = [result, identity, source, ip, ptr, helo, from === "" ? "<>" : from, queue, action, rule];
  return `${words.join(" ")}${only ? " report only" : ""}`.toLowerCase();
}

/** What /why says of a lookup. */
interface Lookup {
  readonly name?: string;
  readonly type?: string;
  readonly status?: string;
  readonly records?: readonly (string | { readonly exchange: string })[];
  readonly problem?: string | null;
}

interface Term {
  readonly term: string;
  readonly target?: string | null;
  readonly matched?: boolean;
  readonly problem?: string | null;
  readonly lookups?: readonly Lookup[];
  readonly nested?: Tree | null;
}

interface Tree {
  readonly domain: string;
  readonly record: string | null;
  readonly lookup?: Lookup | null;
  readonly terms: readonly Term[];
}

interface Why {
  readonly result: string;
  readonly why: readonly string[];
  readonly lookups: number;
  readonly voids: number;
  readonly lookup_limit: number;
  readonly void_limit: number;
  readonly ms: number;
  readonly trace: Tree | null;
}

/** The evaluation of a message as it would come out now, as elements. */
export async function evaluationTree(row: DecisionRow): Promise<Node[]> {
  const sender = row.identity === "helo" ? "" : row.from;
  const query = new URLSearchParams({ ip: row.ip, helo: row.helo, sender });
  try {
    const response = await fetch(`why?${query.toString()}`);
    if (!response.ok) return [element("p", "why", `No evaluation: ${(await response.text()).trim()}`)];
    const why = (await response.json()) as Why;
    const tree = element("ul");
    if (why.trace !== null) tree.append(recordItem(why.trace));
    const counts = `${why.lookups} of ${why.lookup_limit} lookups, ${why.voids} of ${why.void_limit} void, ${Math.round(why.ms)} ms`;
    return [
      element("p", "why", `Evaluated now: ${why.result}.`),
      ...why.why.map((paragraph) =>
        paragraph.startsWith("- ")
          ? element("p", "item", outside(paragraph.slice(2)))
          : element("p", "why", outside(paragraph)),
      ),
      tree,
      element("p", "note", counts),
    ];
  } catch {
    return [element("p", "why", "No evaluation: smf-spf does not answer.")];
  }
}

function recordItem({ domain, record, lookup, terms }: Tree): HTMLElement {
  const item = element("li", "", outside(domain), ": ");
  item.append(record === null ? outside(lookupText(lookup)) : element("code", "", outside(record)));
  if (terms.length > 0) item.append(element("ul", "", ...terms.map(termItem)));
  return item;
}

function termItem(term: Term): HTMLElement {
  const item = element("li", "", element("code", term.matched === true ? "hit" : "", outside(term.term)));
  if (term.matched === true) item.append(" ", element("span", "note", "matches"));
  if (typeof term.target === "string" && !term.term.includes(term.target)) {
    item.append(" ", element("span", "note", outside(term.target)));
  }
  for (const lookup of term.lookups ?? [])
    item.append(" ", element("span", "note", outside(lookupText(lookup))));
  if (typeof term.problem === "string") item.append(" ", outside(term.problem));
  if (term.nested !== null && term.nested !== undefined)
    item.append(element("ul", "", recordItem(term.nested)));
  return item;
}

function recordText(record: string | { readonly exchange: string }): string {
  return typeof record === "string" ? record : record.exchange;
}

function lookupText(lookup: Lookup | null | undefined): string {
  if (lookup === null || lookup === undefined) return "";
  const { name = "", type = "", status = "", records = [], problem } = lookup;
  const found =
    typeof problem === "string" ? problem : records.length > 0 ? records.map(recordText).join(", ") : status;
  return `${type} ${name}: ${found}`;
}
