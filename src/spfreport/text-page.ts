/** A page of text in 80 columns, as a terminal shows it: titles, bars, cut and wrapped values, colours. */
import { type Style, wrap } from "../spfquery/layout.ts";
import { grouped } from "./words.ts";

/** How a terminal shows the text; bars may need more than ASCII. */
export type TextLook = Pick<Style, "colour" | "unicode">;

/** Columns of a page. */
export const WIDTH = 80;
const SGR = { strong: "1", dim: "2", good: "32", bad: "31", doubtful: "33", broken: "35" } as const;
/** What a colour says. */
export type Tone = keyof typeof SGR;

/** Collects the lines of a page. */
export class TextPage {
  readonly #look: TextLook;
  readonly #lines: string[] = [];

  constructor(look: TextLook) {
    this.#look = look;
  }

  text(): string {
    return textOf(this.#lines);
  }

  /** Begins a section: its title on a rule, and what the section is about. */
  title(title: string, advice: string): void {
    this.add("");
    const lines = wrapped(title, WIDTH - 4);
    for (const line of lines.slice(0, -1)) this.add(this.paint("strong", line));
    const last = lines.at(-1) ?? "";
    const rule = (this.#look.unicode ? "─" : "-").repeat(WIDTH - last.length - 1);
    this.add(`${this.paint("strong", last)} ${this.paint("dim", rule)}`);
    this.addWrapped(advice, "dim");
  }

  /** Says how many rows the table has besides those shown. */
  more(rows: number): void {
    if (rows > 0) this.add(this.paint("dim", `  ${"".padEnd(9)}  and ${grouped(rows)} more (--detail)`));
  }

  /** A number, right-aligned; 0 as a dot. */
  count(count: number, width: number): string {
    return (count === 0 ? (this.#look.unicode ? "·" : ".") : grouped(count)).padStart(width);
  }

  /** A bar, drawn to an eighth of a column where that can be shown. */
  bar(share: number, width: number): string {
    if (!(share > 0)) return "";
    if (!this.#look.unicode) return "#".repeat(Math.max(1, Math.round(share * width)));
    const eighths = Math.max(1, Math.round(share * width * 8));
    return "█".repeat(eighths >> 3) + (["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths & 7] ?? "");
  }

  /** A value cut on the left: the end of a name says whose it is. */
  cut(text: string, width: number): string {
    if (text.length <= width) return text;
    const mark = this.#look.unicode ? "…" : "...";
    return mark + text.slice(text.length - width + mark.length);
  }

  /** The text in a colour where the terminal shows colours. */
  paint(tone: Tone, text: string): string {
    return this.#look.colour && text !== "" ? `\x1b[${SGR[tone]}m${text}\x1b[0m` : text;
  }

  add(line: string): void {
    this.#lines.push(line);
  }

  addWrapped(text: string, tone?: Tone): void {
    this.addIndented(text, 0, tone);
  }

  /** Adds a text in as many lines as it takes. */
  addIndented(text: string, indent: number, tone?: Tone): void {
    for (const line of wrapped(text, WIDTH - indent)) {
      this.add("".padEnd(indent) + (tone === undefined ? line : this.paint(tone, line)));
    }
  }
}

/** The lines as a text. */
export function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** The text in lines of at most `width`, broken at spaces; a longer word is cut. */
export function wrapped(text: string, width: number): string[] {
  return wrap(text, width).filter((line) => line !== "");
}
