/** How text is laid out for whoever reads it. */
export interface Look {
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
const WIDTH_OF_A_PIPE = 100;

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

/** Colours text where the look has colours. */
export function paint(look: Look, tone: Tone, text: string): string {
  const code = SGR[tone];
  return look.colour && code !== "" && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text;
}

/**
 * The look for an output: colour on a terminal, plain in a pipe. The option wins over FORCE_COLOR, which wins
 * over NO_COLOR, as Node itself has it. Lines are drawn where the locale is UTF-8.
 */
export function lookFor(
  output: { readonly isTTY: boolean; readonly columns: number | undefined },
  environment: Readonly<Record<string, string | undefined>>,
  wanted: "always" | "never" | "auto",
): Look {
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
export function drawTree(root: Branch, look: Look): string[] {
  const strokes = look.unicode ? DRAWN : TYPED;
  const out: string[] = [];
  drawBranch(root, "", "", out, look, strokes);
  return look.unicode ? out : out.map((line) => line.replaceAll("→", "->").replaceAll(" · ", ", "));
}

function drawBranch(
  branch: Branch,
  first: string,
  rest: string,
  out: string[],
  look: Look,
  strokes: Strokes,
): void {
  const under = branch.branches.length > 0 ? strokes.bar : BLANK;
  drawLine(branch, first, `${rest}${branch.details.length > 0 ? under : BLANK}`, out, look);
  for (const detail of branch.details) drawLine(detail, rest + under, `${rest}${under}  `, out, look);
  for (const [i, inner] of branch.branches.entries()) {
    const last = i === branch.branches.length - 1;
    drawBranch(
      inner,
      rest + (last ? strokes.corner : strokes.tee),
      rest + (last ? BLANK : strokes.bar),
      out,
      look,
      strokes,
    );
  }
}

function drawLine(line: Line, first: string, rest: string, out: string[], look: Look): void {
  const noteSpace = line.note === "" ? 0 : line.note.length + 2;
  const [head = "", ...tail] = wrap(
    line.text,
    look.width - rest.length - noteSpace,
    look.width - first.length - noteSpace,
  );
  const gap = " ".repeat(Math.max(2, look.width - first.length - head.length - line.note.length));
  const note = line.note === "" ? "" : gap + paint(look, line.noteTone, line.note);
  out.push(paint(look, "dim", first) + paint(look, line.tone, head) + note);
  for (const more of tail) out.push(paint(look, "dim", rest) + paint(look, line.tone, more));
}
