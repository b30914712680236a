/** The documents that an operator reads, taken apart: code blocks, code in a line, links, headings. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../../..");

/** README and every page of docs, as paths below {@link ROOT}. */
export const PAGES: readonly string[] = [
  "README.md",
  "README.ja.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** A fenced block. */
export interface Block {
  readonly page: string;
  /** Of its opening fence, from 1. */
  readonly line: number;
  /** Of the section that it is in. */
  readonly heading: string;
  /** The word after the fence. */
  readonly language: string;
  readonly text: string;
}

export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

const FENCED = /^```(.*)\n([^]*?)^```$/gm;

export function blocksOf(page: string): Block[] {
  const text = readDocument(page);
  return [...text.matchAll(FENCED)].map(({ 1: language = "", 2: block = "", index }) => ({
    page,
    line: text.slice(0, index).split("\n").length,
    heading:
      [
        ...text
          .slice(0, index)
          .replace(FENCED, "")
          .matchAll(/^#+ (.+)$/gm),
      ].at(-1)?.[1] ?? "",
    language,
    text: block,
  }));
}

/** What is between single backquotes, outside of blocks. */
export function codeOf(page: string): string[] {
  const prose = readDocument(page).replace(FENCED, "");
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code.replace(/\s+/g, " "));
}

/** The targets of the links and images, in HTML too. */
export function linksOf(page: string): string[] {
  const prose = readDocument(page).replace(FENCED, "");
  return [...prose.matchAll(/(?:\]\(|src(?:set)?=")([^)"\s]+)[)"]/g)].map(([, target = ""]) => target);
}

/** The anchors of a page, as the usual renderers name them. */
export function anchorsOf(page: string): Set<string> {
  const headings = readDocument(page)
    .replace(FENCED, "")
    .matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
