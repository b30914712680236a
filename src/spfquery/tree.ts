import { type Look, paint, type Tone, wrap } from "./look.ts";

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
