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
