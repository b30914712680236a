import type { DecisionRow } from "../document.ts";
import { button, byId, clock, dayAndTime, element, outside, Rows, setText } from "./dom.ts";
import { evaluationTree } from "./tree.ts";

const SOURCES = { cache: "from memory", joined: "shared wait", dns: "", shared: "shared cache" } as const;

/** Rows at first, and more of them with each "Show older". */
const ROWS = 50;

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
  #limit = ROWS;
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
      this.#limit = ROWS;
      this.#catchUp();
    });
    this.#older.addEventListener("click", () => {
      this.#close();
      this.#limit += ROWS;
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
    if (this.#open === undefined) this.#rows.show(matches.slice(0, this.#limit));
    this.#older.hidden = matches.length <= this.#limit;
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
    const shown = matches === all ? `${all} shown` : `${matches} of ${all} match`;
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
