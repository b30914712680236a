import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Effect, OPTION_NAMES, type OptionName, SECTIONS } from "../../../src/config/table.ts";
import { PLACEHOLDERS } from "../../../src/config/values/text.ts";
import { optionOf } from "./reading.ts";

const source = readFileSync(join(import.meta.dirname, "../../../etc/man/smf-spf.conf.5"), "utf8");
const lines = source.split("\n");

/** One `.It Ic Name` of the sections about options, with what follows it. */
interface Entry {
  readonly name: string;
  readonly section: string;
  readonly heading: string;
  readonly text: readonly string[];
}

function entries(): Entry[] {
  const found: (Entry & { text: string[] })[] = [];
  const titles: readonly string[] = SECTIONS.map((section) => section.toUpperCase());
  let section = "";
  for (const line of lines) {
    const [, title] = /^\.Sh (.*)$/.exec(line) ?? [];
    if (title !== undefined) section = title;
    if (!titles.includes(section)) continue;
    const [heading, name] = /^\.It Ic (\w+).*$/.exec(line) ?? [];
    if (heading !== undefined && name !== undefined) found.push({ name, section, heading, text: [] });
    else found.at(-1)?.text.push(line);
  }
  return found;
}

/** The options that a paragraph about reloading names. */
function namesBefore(words: string): string[] {
  const text = source.slice(0, source.indexOf(words));
  return (
    text
      .slice(text.lastIndexOf("Changes of"))
      .match(/\b[A-Z]\w+/g)
      ?.slice(1)
      .filter((w) => w !== "Ic") ?? []
  );
}

function changing(effect: Effect): OptionName[] {
  return OPTION_NAMES.filter((name) => optionOf(name).effect === effect);
}

describe("smf-spf.conf(5)", () => {
  const all = entries();

  it("describes every option once, in the order and sections of the table", () => {
    assert.deepEqual(
      all.map(({ name, section }) => [section, name]),
      OPTION_NAMES.map((name) => [optionOf(name).section.toUpperCase(), name]),
    );
  });

  for (const { name, heading, text } of all) {
    const option = optionOf(name as OptionName);
    it(`${name} has its default, what it takes, and a description`, () => {
      assert.equal(text[0], `Default: ${option.defaultText}`);
      assert.equal(text[1], ".Pp");
      assert.ok(text.slice(2).join(" ").length > 20);
      assert.equal(heading.endsWith(" Pq list"), option.form === "list", heading);
      assert.match(heading, / (?:Ar|Cm) /);
    });
  }

  it("names the words that an option takes", () => {
    for (const { name, heading } of all) {
      const { accepted } = optionOf(name as OptionName).kind;
      const [, words] = /^((?:[\w.]+, )*[\w.]+ or [\w.]+)(?: \(or yes.*)?$/.exec(accepted) ?? [];
      if (words === undefined || name === "Syslog") continue;
      assert.equal(/ Cm (.*)$/.exec(heading)?.[1], words.replace(/, | or /g, " | "), name);
    }
  });

  it("names the bounds of numbers and times", () => {
    for (const { name, text } of all) {
      const { accepted } = optionOf(name as OptionName).kind;
      const [, bounds, most] = /(?:a number|or d,) from (\d+\w? to (\d+\w?))$/.exec(accepted) ?? [];
      if (bounds === undefined || most === undefined || name === "SPFBehavior") continue;
      assert.ok(
        new RegExp(`(?:^|\\s)(?:${bounds}|At most ${most})\\b`).test(text.join(" ")),
        `${name} ${bounds}`,
      );
    }
  });

  it("names every placeholder of RejectReason", () => {
    for (const name of PLACEHOLDERS) assert.ok(lines.includes(`.It Li {${name}}`), name);
  });

  it("says what a reload cannot change, and what empties the caches", () => {
    assert.deepEqual(namesBefore("need a restart").sort(), changing("restart").sort());
    assert.deepEqual(namesBefore("empty the caches").sort(), changing("cache").sort());
  });

  it("opens and closes its lists and displays in pairs", () => {
    const count = (macro: string): number => lines.filter((line) => line.startsWith(macro)).length;
    assert.equal(count(".Bl"), count(".El"));
    assert.equal(count(".Bd"), count(".Ed"));
    assert.deepEqual(
      lines.slice(0, 3).map((line) => line.slice(0, 3)),
      [".Dd", ".Dt", ".Os"],
    );
  });
});
