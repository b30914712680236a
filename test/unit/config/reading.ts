import assert from "node:assert/strict";
import {
  type Fault,
  formatFault,
  type ParsedConfig,
  parseConfig,
  type Settings,
} from "../../../src/config/index.ts";
import {
  OPTION_NAMES,
  OPTIONS,
  type Option,
  type OptionKey,
  type OptionName,
  optionNamed,
} from "../../../src/config/table.ts";

/** The key of the option of that name. */
export function keyOf(name: OptionName): OptionKey {
  const key = optionNamed(name);
  assert.ok(key !== undefined, name);
  return key;
}

/** The row of the option of that name. */
export function optionOf(name: OptionName): Option {
  return OPTIONS[keyOf(name)];
}

/** The values alone. */
export function withoutOrigins({ origins, ...values }: Settings): Omit<Settings, "origins"> {
  assert.deepEqual(Object.keys(origins), OPTION_NAMES);
  return values;
}

/** Files as the tests have them in memory, and the environment. */
export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly dryRun?: boolean;
  readonly lists?: Readonly<Record<string, string>>;
}

/** Parses a text as the file `test.conf`. */
export function parse(
  text: string,
  { env = {}, lists = {}, dryRun = false }: Surroundings = {},
): ParsedConfig {
  return parseConfig(text, {
    file: "test.conf",
    env,
    dryRun,
    readList: (path) => {
      const found = lists[path];
      return found === undefined ? { problem: "no such file" } : { text: found };
    },
  });
}

/** The text with its commented options in use: a name, white space, a value. */
export function inUse(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      const [, name = ""] = /^#\s?(\w+)\s/.exec(line) ?? [];
      return optionNamed(name) === undefined ? line : line.replace(/^#\s?/, "");
    })
    .join("\n");
}

/** The settings of a text that has no faults and no unknown keys. */
export function settingsOf(text: string, surroundings?: Surroundings): Settings {
  const { settings, faults, unknown } = parse(text, surroundings);
  assert.deepEqual([...faults, ...unknown].map(formatFault), []);
  assert.ok(settings !== undefined);
  return settings;
}

/** What is reported, in the order of the lines, each with its kind in front. */
export function reports({ faults, unknown, warnings }: ParsedConfig): string[] {
  const kinds: [string, readonly Fault[]][] = [
    ["fault", faults],
    ["unknown", unknown],
    ["warning", warnings],
  ];
  return kinds
    .flatMap(([kind, entries]) => entries.map((entry) => ({ kind, entry })))
    .sort((a, b) => a.entry.line - b.entry.line)
    .map(({ kind, entry }) => `${kind} ${formatFault(entry)}`);
}
