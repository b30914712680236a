/** The lines of pages of docs that an administrator copies: the rig is configured with these. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const DOCS = join(import.meta.dirname, "../../../docs");

/**
 * The first line of a code block of a page of docs that begins so.
 *
 * @throws where there is none
 */
export function documentedLine(
  page: "forwarded-mail.md" | "postfix.md" | "sendmail.md",
  start: string,
): string {
  const blocks = readFileSync(join(DOCS, page), "utf8").matchAll(/^```\S*\n([^]*?)^```$/gm);
  const lines = [...blocks].flatMap(([, block = ""]) => block.split("\n"));
  const line = lines.find((text) => text.startsWith(start));
  if (line === undefined) throw new Error(`docs/${page} has no line ${start}`);
  return line.trim();
}
