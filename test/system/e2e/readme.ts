/** The lines of README.md that an administrator copies: the rig is configured with these very lines. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const README = join(import.meta.dirname, "../../../README.md");

/**
 * The first line of a code block of README.md that begins so.
 *
 * @throws where there is none
 */
export function readmeLine(start: string): string {
  const blocks = readFileSync(README, "utf8").matchAll(/^```\n([^]*?)^```$/gm);
  const lines = [...blocks].flatMap(([, block = ""]) => block.split("\n"));
  const line = lines.find((text) => text.startsWith(start));
  if (line === undefined) throw new Error(`README.md has no line ${start}`);
  return line.trim();
}
