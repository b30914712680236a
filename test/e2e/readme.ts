/** The lines of README.md that an administrator copies: the rig is configured with these very lines. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const README = join(import.meta.dirname, "..", "..", "README.md");

/**
 * The first code line of README.md that begins so.
 *
 * @throws where there is none
 */
export function readmeLine(start: string): string {
  const line = readFileSync(README, "utf8")
    .split("\n")
    .find((text) => text.startsWith(`    ${start}`));
  if (line === undefined) throw new Error(`README.md has no line ${start}`);
  return line.trim();
}
