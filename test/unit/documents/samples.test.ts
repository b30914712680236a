/** What the documents show as text: lines of the log, what a program prints, settings of others. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { traceText } from "../../../src/spfquery/text-report.ts";
import { readLogLine } from "../../../src/spfreport/log-line.ts";
import { checkZone } from "../spfquery/check-zone.ts";
import { type Block, blocksOf, PAGES, ROOT, readDocument } from "./page.ts";
import { commandsOf } from "./shell.ts";

const LOG_LINE = /^(?:smf-spf\[\d+\]: )?(SPF .*)$/;

/** The zone of the trace in README. */
const ZONE = {
  "example.com": [{ TXT: "v=spf1 mx include:_spf.example.net -all" }, { MX: [10, "mx.example.com"] }],
  "mx.example.com": [{ A: "192.0.2.33" }],
  "_spf.example.net": [{ TXT: "v=spf1 ip4:198.51.100.0/28 ~all" }],
};

const SOURCES = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readDocument(`src/${name}`))
  .join("");

/** A kind of text, how it is known, and what is wrong with a block of it. */
interface Kind {
  readonly is: (text: string) => boolean;
  readonly faults: (text: string) => Promise<readonly string[]> | readonly string[];
}

const linesOf = (text: string): string[] => text.trimEnd().split("\n");

const KINDS: Readonly<Record<string, Kind>> = {
  "lines of the log about mail": {
    is: (text) => linesOf(text).every((line) => LOG_LINE.test(line)),
    faults: (text) =>
      linesOf(text).filter((line) => {
        const read = readLogLine(LOG_LINE.exec(line)?.[1] ?? "");
        return read === "other" || read === "unreadable";
      }),
  },
  "a trace of spfquery": {
    is: (text) => text.startsWith("$ spfquery --trace "),
    faults: async (text) => {
      const [command = "", ...shown] = linesOf(text);
      const [, option, ...args] = commandsOf(command)[0] ?? [];
      assert.equal(option, "--trace");
      const report = await checkZone(ZONE, ...args);
      const printed = traceText(report, { width: 78, colour: false, unicode: true }).split("\n");
      return shown.filter((line, at) => line !== printed[at]);
    },
  },
  "lines of the log about the daemon": {
    is: (text) => linesOf(text).every((line) => /^smf-spf\[\d+\]: [A-Z]/.test(line)),
    // Where a value is in its text is not known here: the words between them are those of the sources.
    faults: (text) =>
      linesOf(text)
        .flatMap((line) => line.match(/(?<= )[a-z]+(?: [a-z]+)+\b/g) ?? [])
        .filter((words) => !SOURCES.includes(words)),
  },
  // month.test.ts compares it.
  "a report of spfreport": {
    is: (text) => /^\d+ of \d+ messages would be refused/.test(text),
    faults: () => [],
  },
};

const kindOf = ({ text }: Pick<Block, "text">): Kind | undefined =>
  Object.values(KINDS).find(({ is }) => is(text));

describe("what the documents show as text", () => {
  for (const text of [
    "SPF fial: 192.0.2.1, a, b, c@d\n",
    "$ spfquery --trace 203.0.113.9 h.example a@example.com\nx\n",
  ]) {
    it(`would be found wrong in ${JSON.stringify(text)}`, async () => {
      assert.notDeepEqual(await kindOf({ text })?.faults(text), []);
    });
  }

  for (const block of PAGES.flatMap(blocksOf).filter(({ language }) => language === "text")) {
    it(`${block.page}:${block.line} is as it is written or printed`, async () => {
      const kind = kindOf(block);
      assert.ok(kind !== undefined, "text of no known kind: give it a language, or the test a kind");
      assert.deepEqual(await kind.faults(block.text), []);
    });
  }
});
