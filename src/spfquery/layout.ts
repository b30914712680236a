/** How text is laid out. */
export interface Style {
  /** Columns. */
  readonly width: number;
  readonly colour: boolean;
  /** Whether lines of a tree may be drawn with more than ASCII. */
  readonly unicode: boolean;
}

/** What a piece of text says beyond its words. */
export type Tone = "plain" | "dim" | "strong" | "good" | "bad" | "doubtful" | "broken";

const WIDTH_MAX = 110;
const WIDTH_MIN = 40;
const WIDTH_OF_A_PIPE = 80;

/** SGR codes (ECMA-48). */
const SGR: Record<Tone, string> = {
  plain: "",
  dim: "2",
  strong: "1",
  good: "1;32",
  bad: "1;31",
  doubtful: "1;33",
  broken: "1;35",
};

/** Colours text where the style has colours. */
export function paint(style: Style, tone: Tone, text: string): string {
  const code = SGR[tone];
  return style.colour && code !== "" && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text;
}

/**
 * The style for an output: colour on a terminal, plain in a pipe. The option wins over FORCE_COLOR, which wins
 * over NO_COLOR, as Node itself has it. Lines are drawn where the locale is UTF-8.
 */
export function styleFor(
  output: { readonly isTTY: boolean; readonly columns: number | undefined },
  environment: Readonly<Record<string, string | undefined>>,
  wanted: "always" | "never" | "auto",
): Style {
  const force = environment["FORCE_COLOR"];
  const automatic =
    force !== undefined
      ? !["0", "false"].includes(force)
      : output.isTTY && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
  const locale = environment["LC_ALL"] || environment["LC_CTYPE"] || environment["LANG"] || "";
  const columns = output.columns ?? (output.isTTY ? 80 : WIDTH_OF_A_PIPE);
  return {
    width: Math.max(WIDTH_MIN, Math.min(columns, WIDTH_MAX)),
    colour: wanted === "always" || (wanted === "auto" && automatic),
    unicode: /utf-?8/i.test(locale),
  };
}

/** Text in the characters that the output can show; before it is laid out, as it may become longer. */
export function spelled(style: Style, text: string): string {
  return style.unicode ? text : text.replaceAll("→", "->").replaceAll(" · ", ", ");
}

/** Breaks text into lines of at most `width` columns at spaces; a longer word is cut. */
export function wrap(text: string, width: number, firstWidth = width): string[] {
  const lines: string[] = [];
  let line = "";
  const room = (): number => Math.max(10, lines.length === 0 ? firstWidth : width);
  for (let word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length <= room()) {
      line += ` ${word}`;
      continue;
    }
    if (line !== "") lines.push(line);
    while (word.length > room()) {
      const here = room();
      lines.push(word.slice(0, here));
      word = word.slice(here);
    }
    line = word;
  }
  return [...lines, line];
}

/** A line of a tree: what it says, and a note at the right margin. */
export interface Line {
  readonly text: string;
  readonly tone: Tone;
  readonly note: string;
  readonly noteTone: Tone;
}

/** A branch: a line, lines that belong to it, and smaller branches. */
export interface Branch extends Line {
  readonly details: readonly Line[];
  readonly branches: readonly Branch[];
}

interface Strokes {
  readonly tee: string;
  readonly corner: string;
  readonly bar: string;
}

const DRAWN: Strokes = { tee: "├─ ", corner: "└─ ", bar: "│  " };
const TYPED: Strokes = { tee: "|- ", corner: "`- ", bar: "|  " };
const BLANK = "   ";

/** Draws a tree, notes set at the right margin, long lines wrapped under themselves. */
export function drawTree(root: Branch, style: Style): string[] {
  const strokes = style.unicode ? DRAWN : TYPED;
  const out: string[] = [];
  drawBranch(root, "", "", out, style, strokes);
  return out;
}

function drawBranch(
  branch: Branch,
  first: string,
  rest: string,
  out: string[],
  style: Style,
  strokes: Strokes,
): void {
  const under = branch.branches.length > 0 ? strokes.bar : BLANK;
  drawLine(branch, first, `${rest}${branch.details.length > 0 ? under : BLANK}`, out, style);
  for (const detail of branch.details) drawLine(detail, rest + under, `${rest}${under}  `, out, style);
  for (const [i, inner] of branch.branches.entries()) {
    const last = i === branch.branches.length - 1;
    drawBranch(
      inner,
      rest + (last ? strokes.corner : strokes.tee),
      rest + (last ? BLANK : strokes.bar),
      out,
      style,
      strokes,
    );
  }
}

function drawLine(line: Line, first: string, rest: string, out: string[], style: Style): void {
  const text = spelled(style, line.text);
  const noteText = spelled(style, line.note);
  const note = paint(style, line.noteTone, noteText);
  const noteSpace = noteText === "" ? 0 : noteText.length + 2;
  const longest = Math.max(...text.split(" ").map((word) => word.length));
  // A name is not broken to make room for a note: the note then gets a line of its own.
  const isBeside = noteSpace > 0 && first.length + longest + noteSpace <= style.width;
  const room = isBeside ? noteSpace : 0;
  const [head = "", ...tail] = wrap(
    text,
    style.width - rest.length - room,
    style.width - first.length - room,
  );
  const gap = Math.max(2, style.width - first.length - head.length - noteText.length);
  out.push(
    paint(style, "dim", first) + paint(style, line.tone, head) + (isBeside ? " ".repeat(gap) + note : ""),
  );
  for (const more of tail) out.push(paint(style, "dim", rest) + paint(style, line.tone, more));
  if (noteSpace === 0 || isBeside) return;
  const before = Math.max(0, style.width - rest.length - noteText.length);
  out.push(paint(style, "dim", rest) + " ".repeat(before) + note);
}
