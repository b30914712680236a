/** A scenario file as lines: comments and other MTAs' lines gone, repetitions and escapes written out. */

/** The two MTAs that scenarios are played by, for real or in their manner. */
export const MTA_NAMES = ["sendmail", "postfix"] as const;
export type MtaName = (typeof MTA_NAMES)[number];

/** What is wrong with a scenario file, as `file:line: reason`. */
export class ScenarioError extends Error {
  constructor(file: string, line: number, reason: string) {
    super(`${file}:${line}: ${reason}`);
  }
}

/** One line with its place. */
export interface ScenarioLine {
  readonly number: number;
  /** Octets; leading white space is kept, trailing is not. */
  readonly text: string;
}

/** One `[name argument …]` and its lines. */
export interface Section {
  readonly number: number;
  readonly name: string;
  readonly words: readonly string[];
  readonly lines: ScenarioLine[];
}

/** The title, which is the comment that the file begins with, and the sections. */
export interface ScenarioText {
  readonly title: string;
  readonly sections: readonly Section[];
}

const MTA_MARK = /^@(\w+) (.*)$/s;
const REPEAT = /^repeat (\d+) (.*)$/s;
const HEADING = /^\[(\w+)((?: [^\]]*)?)\]$/;

/**
 * Reads the lines of a scenario that concern one MTA.
 *
 * @param text octets
 * @throws ScenarioError
 */
export function readScenarioText(text: string, file: string, mta: MtaName): ScenarioText {
  const lines = text.split("\n").map((line, index) => ({ number: index + 1, text: line.trimEnd() }));
  const comment = lines.findIndex(({ text }) => !text.startsWith("#"));
  const title = lines
    .slice(0, comment)
    .map(({ text }) => text.replace(/^#\s*/, ""))
    .join(" ");
  if (title === "")
    throw new ScenarioError(file, 1, "a scenario begins with a comment that says what it shows");

  const sections: Section[] = [];
  for (const { number, text } of lines.slice(comment)) {
    if (text === "" || text.startsWith("#")) continue;
    const heading = HEADING.exec(text);
    if (heading !== null) {
      const words = (heading[2] ?? "")
        .trim()
        .split(/\s+/)
        .filter((word) => word !== "");
      sections.push({ number, name: heading[1] ?? "", words: words.flatMap(expandRange), lines: [] });
      continue;
    }
    const section = sections.at(-1);
    if (section === undefined) throw new ScenarioError(file, number, "a line before the first section");
    for (const line of forMta(text, mta, (reason) => new ScenarioError(file, number, reason))) {
      section.lines.push({ number, text: unescape(line) });
    }
  }
  return { title, sections };
}

/** The line for this MTA: none, one, or as many as it is repeated. */
function forMta(line: string, mta: MtaName, fault: (reason: string) => Error): string[] {
  const [, mark, marked] = MTA_MARK.exec(line) ?? [];
  if (mark !== undefined && !(MTA_NAMES as readonly string[]).includes(mark)) {
    throw fault(`@${mark} is neither of ${MTA_NAMES.join(", ")}`);
  }
  if (mark !== undefined && mark !== mta) return [];
  const text = marked ?? line;
  const [, times, repeated = ""] = REPEAT.exec(text) ?? [];
  if (times === undefined) return [text];
  return Array.from({ length: Number(times) }, (_, index) => repeated.replaceAll("{n}", String(index + 1)));
}

/** `user{1..3}` is user1, user2 and user3. */
function expandRange(word: string): string[] {
  const [, before = "", from, to, after = ""] = /^(.*)\{(\d+)\.\.(\d+)\}(.*)$/.exec(word) ?? [];
  if (from === undefined) return [word];
  const numbers = Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index);
  return numbers.map((number) => `${before}${number}${after}`);
}

/** `\x0d` is that octet; no other escape is known, so that SMTP's own backslashes stay. */
function unescape(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
