/** Elements whose text is only ever text: what a sender wrote is never read as markup. */

/** The element of page.html with an id. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no #${id}`);
  return found;
}

type Child = Node | string;

/** A new element with classes and children; a string becomes a text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  className = "",
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}

/** A text from outside, whose direction does not spread to what is around it. */
export function outside(text: string): HTMLElement {
  return element("bdi", "", text);
}

/** Changes a text only where it is another one, so that nothing is read out or drawn again for nothing. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** A button with a name for those who do not see where it stands. */
export function button(text: string, name: string, onClick: () => void): HTMLButtonElement {
  const made = element("button", "", text);
  made.type = "button";
  made.setAttribute("aria-label", name);
  made.addEventListener("click", onClick);
  return made;
}

/** Rows that stay the same elements for as long as they have the same key: focus and selection survive a refresh. */
export class Rows<Row> {
  readonly #body: HTMLElement;
  readonly #keyOf: (row: Row) => string;
  readonly #create: (row: Row) => HTMLElement;
  #elements = new Map<string, { element: HTMLElement; state: string }>();

  constructor(body: HTMLElement, keyOf: (row: Row) => string, create: (row: Row) => HTMLElement) {
    this.#body = body;
    this.#keyOf = keyOf;
    this.#create = create;
  }

  show(rows: readonly Row[]): void {
    const next = new Map<string, { element: HTMLElement; state: string }>();
    let at: Element | null = this.#body.firstElementChild;
    for (const row of rows) {
      const key = this.#keyOf(row);
      if (next.has(key)) continue;
      const state = JSON.stringify(row);
      const before = this.#elements.get(key);
      const made = before?.state === state ? before.element : this.#create(row);
      if (before !== undefined && before.element !== made) {
        const focused = before.element.contains(document.activeElement);
        if (before.element === at) at = made;
        before.element.replaceWith(made);
        if (focused) made.querySelector<HTMLElement>("button")?.focus();
      }
      next.set(key, { element: made, state });
      if (made === at) at = at.nextElementSibling;
      else this.#body.insertBefore(made, at);
    }
    for (const [key, { element: old }] of this.#elements) if (!next.has(key)) old.remove();
    this.#elements = next;
  }
}

const whole = new Intl.NumberFormat("en");

/** A count with separators. */
export function number(count: number): string {
  return whole.format(count);
}

/** A time in the unit that it reads best in. */
export function milliseconds(ms: number | null): string {
  if (ms === null) return "–";
  if (ms >= 10_000) return `${(ms / 1000).toFixed(0)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 10) return `${ms.toFixed(0)} ms`;
  return `${ms.toFixed(1)} ms`;
}

export function percent(share: number | null): string {
  return share === null ? "–" : `${(share * 100).toFixed(1)} %`;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** Hours, minutes and seconds of a time here. */
export function clock(time: Date): string {
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** Day and time here: `2026-11-29 01:09`. */
export function dayAndTime(time: Date): string {
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** How long: `3 d 4 h`, `4 h 5 min`, `12 s`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}
