/** From the files to the settings: each line is looked up in the table, and what is wrong is reported. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { contradictions } from "./contradictions.ts";
import {
  ENVIRONMENT,
  type Fault,
  type Given,
  type GivenValue,
  type Location,
  lastGiven,
  valueOf,
} from "./given.ts";
import { type Line, oneWord, readEntries, readLines, type Value, visible } from "./lines.ts";
import { notesFor25 } from "./old-meanings.ts";
import { type OptionSettings, resolveOptions, resolveSettings, type Settings } from "./settings.ts";
import { defaultValue, OPTION_NAMES, OPTIONS, type OptionKey, optionNamed } from "./table.ts";
import { optionHint } from "./values/nearest.ts";

/** Where the configuration is while `-c` names no other file. */
export const DEFAULT_CONFIG_FILE = "/etc/mail/smfs/smf-spf.conf";

/** How {@link loadConfig} reads. */
export interface LoadOptions {
  /** A missing file is a fault (it was named with `-c`), not a warning and the defaults. */
  readonly mustExist: boolean;
  readonly env: ConfigSources["env"];
  /** `-n`: ReportOnly for all mail. */
  readonly dryRun?: boolean;
}

/** What a configuration file says, and whether it could be read at all. */
export interface LoadedConfig extends ParsedConfig {
  /** The file named is missing or unreadable; the only fault says why (EX_NOINPUT of sysexits). */
  readonly noInput: boolean;
}

/** A larger file is a mistake: a disk image, a log, /dev/zero. */
const FILE_OCTETS_MAX = 16 * 1024 * 1024;

/**
 * Reads a configuration file and the list files that it names. Blocks while it reads, and never throws: files
 * that cannot be read are faults in words. Reading again gives the new content, also of list files.
 */
export function loadConfig(file: string, { mustExist, env, dryRun = false }: LoadOptions): LoadedConfig {
  const sources: ConfigSources = { file, env, dryRun, readList: readTextFile };
  const content = readTextFile(file);
  if ("text" in content) return { ...parseConfig(content.text, sources), noInput: false };
  const fault = { file, line: 0, option: "", reason: content.problem };
  const defaults = parseConfig("", sources);
  if (mustExist || !content.missing) {
    return {
      ...defaults,
      settings: undefined,
      options: undefined,
      warnings: [],
      faults: [fault],
      noInput: true,
    };
  }
  const warning = { ...fault, reason: `${content.problem}; using the defaults` };
  return { ...defaults, warnings: [warning, ...defaults.warnings], noInput: false };
}

type Content = { readonly text: string } | { readonly problem: string; readonly missing: boolean };

function readTextFile(path: string): Content {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    if (fstatSync(file).isDirectory()) return { problem: "is a directory", missing: false };
    const octets = readBounded(file);
    if (octets === undefined) {
      return { problem: `is larger than ${FILE_OCTETS_MAX / 1024 / 1024} MiB`, missing: false };
    }
    // Octets that are not UTF-8 become U+FFFD, which is harmless in a comment and a fault in a value.
    return { text: octets.toString("utf8") };
  } catch (error) {
    const code = codeOf(error);
    return { problem: WORDS[code] ?? `cannot be read: ${code}`, missing: code === "ENOENT" };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** All that a file holds, also one without a size such as a pipe; undefined where it is too much. */
function readBounded(file: number): Buffer | undefined {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.alloc(65_536);
    const length = readSync(file, chunk);
    if (length === 0) return Buffer.concat(chunks);
    total += length;
    if (total > FILE_OCTETS_MAX) return undefined;
    chunks.push(chunk.subarray(0, length));
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EISDIR: "is a directory",
  ENOTDIR: "no such file: part of the path is not a directory",
  ELOOP: "too many symbolic links",
  ENAMETOOLONG: "the name is too long",
  EIO: "input/output error",
  ENXIO: "not a file that can be read",
};

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : String(error);
}

/** What a configuration is read from besides its text. */
export interface ConfigSources {
  /** The name of the file, for faults. */
  readonly file: string;
  /** The environment; of it only SPFBEHAVIOR is read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a list file (`file:/path`); a problem is returned in words. */
  readonly readList: (path: string) => { readonly text: string } | { readonly problem: string };
  /** `-n`: ReportOnly for all mail, whatever the file says. */
  readonly dryRun?: boolean;
}

/** What a configuration says, and what is wrong with it. */
export interface ParsedConfig {
  /** Deeply frozen; undefined where there are faults. */
  readonly settings: Settings | undefined;
  /** The settings as the options would give them; undefined where there are faults. */
  readonly options: OptionSettings | undefined;
  /** Things to tell the operator; the daemon starts all the same. */
  readonly warnings: readonly Fault[];
  /** For `-t`: lines that meant something else in smf-spf 2.5, where the file looks like one of those. */
  readonly notes: readonly Fault[];
  /** Keys that are not options: warnings at start, faults under `-t`. */
  readonly unknown: readonly Fault[];
  /** Values that cannot be used: the daemon does not start. */
  readonly faults: readonly Fault[];
  /** What the system has to have, also where there are faults: whether it does is found out later. */
  readonly startValues: StartValues;
  /** The list files that it names, whatever they hold. */
  readonly listFiles: readonly string[];
  /** Where the value in force of an option is given, or the file alone where it is not: for later faults. */
  readonly locationOf: (key: OptionKey) => Location;
}

const START_KEYS = [
  "user",
  "socket",
  "socketGroup",
  "pidFile",
  "daemonize",
  "statusSocket",
  "statusSocketGroup",
  "logTo",
  "syslog",
  "cacheFile",
  "sharedCache",
  "sharedCacheKey",
] as const satisfies readonly OptionKey[];

/** What a start takes from the system. Undefined where there is nothing to look at, or only a value with a fault. */
export type StartValues = { readonly [K in (typeof START_KEYS)[number]]: Settings[K] | undefined };

/**
 * Reads the text of a configuration file. Never throws: whatever is wrong with the text is in the faults, each
 * with its file and line.
 */
export function parseConfig(text: string, sources: ConfigSources): ParsedConfig {
  const reader = new ConfigReader(sources);
  for (const line of readLines(text)) reader.takeLine(line);
  reader.takeEnvironment();
  return reader.done();
}

/** Collects what the lines of one configuration give. */
class ConfigReader {
  readonly #sources: ConfigSources;
  readonly #given: Given = {};
  readonly #warnings: Fault[] = [];
  readonly #unknown: Fault[] = [];
  readonly #faults: Fault[] = [];
  /** The options whose last value cannot be used. */
  readonly #faulty = new Set<OptionKey>();
  readonly #listFiles = new Set<string>();

  constructor(sources: ConfigSources) {
    this.#sources = sources;
  }

  takeLine({ number, name, value, problem }: Line): void {
    const key = optionNamed(name);
    const option = visible(key === undefined ? name.replace(/(.)[=:].*$/, "$1") : name);
    const location: Location = { file: this.#sources.file, line: number, option };
    if (key === undefined && name !== "") {
      this.#unknown.push({ ...location, reason: whyUnknown(name) });
    } else if (problem !== undefined || key === undefined) {
      this.#faults.push({ ...location, reason: problem ?? "missing option name" });
      if (key !== undefined) this.#faulty.add(key);
    } else if (OPTIONS[key].form === "list" && namesListFile(value)) {
      this.#takeListFile(key, location, value);
    } else {
      this.#take(key, location, value);
    }
  }

  takeEnvironment(): void {
    const text = this.#sources.env["SPFBEHAVIOR"]?.trim() ?? "";
    if (text === "") return;
    this.#take("spfBehavior", { file: ENVIRONMENT, line: 0, option: "SPFBEHAVIOR" }, oneWord(text));
  }

  done(): ParsedConfig {
    const file = this.#sources.file;
    const problems = {
      unknown: this.#unknown,
      notes: notesFor25(this.#given),
      faults: this.#faults,
      listFiles: [...this.#listFiles],
      startValues: this.#startValues(),
      locationOf: (key: OptionKey): Location =>
        lastGiven(this.#given, key)?.location ?? { file, line: 0, option: OPTIONS[key].name },
    };
    this.#takeTogether("sharedCache", "sharedCacheKey", "file:/path, a key that is the same on all hosts");
    this.#takeCacheFileApart();
    if (this.#faults.length > 0)
      return { settings: undefined, options: undefined, warnings: this.#warnings, ...problems };
    const options = resolveOptions(this.#given, this.#sources);
    const settings = resolveSettings(options, this.#given);
    const warnings = [...this.#warnings, ...contradictions(this.#given, settings)];
    return { settings, options, warnings, ...problems };
  }

  #startValues(): StartValues {
    const values = START_KEYS.map((key) => {
      if (this.#faulty.has(key)) return [key, undefined];
      const option = OPTIONS[key];
      const otherwise = option.default === undefined ? undefined : defaultValue<unknown>(option);
      return [key, valueOf(this.#given, key) ?? otherwise];
    });
    // None of them is a list, follows another, or is set by SPFBehavior.
    return Object.fromEntries(values) as StartValues;
  }

  /** An option that is of no use without another. */
  #takeTogether(key: OptionKey, needed: OptionKey, what: string): void {
    const given = lastGiven(this.#given, key);
    if (given === undefined || lastGiven(this.#given, needed) !== undefined) return;
    this.#faults.push({ ...given.location, reason: `needs ${OPTIONS[needed].name} ${what}` });
  }

  /** Whatever is in its place and no cache is renamed, and a cache put there. */
  #takeCacheFileApart(): void {
    const given = lastGiven(this.#given, "cacheFile");
    if (given === undefined) return;
    const { value, location } = given;
    const others = (["logTo", "pidFile", "sharedCacheKey"] as const).filter(
      (key) => valueOf(this.#given, key) === value,
    );
    const names: string[] = others.map((key) => OPTIONS[key].name);
    if (value === this.#sources.file) names.push("this configuration");
    const [name] = names;
    if (name !== undefined) this.#faults.push({ ...location, reason: `${value} is the file of ${name}` });
  }

  #take(key: OptionKey, location: Location, value: Value): void {
    const reading = OPTIONS[key].kind.read(value);
    if ("fault" in reading) {
      const sign = /^[=:]$/.exec(value.words[0] ?? "")?.[0];
      const reason = sign === undefined ? reading.fault : separateBySpace(sign);
      this.#faults.push({ ...location, reason });
      this.#faulty.add(key);
      return;
    }
    this.#faulty.delete(key);
    this.#warnings.push(...reading.warnings.map((reason) => ({ ...location, reason })));
    // The value comes from the kind of this very option, which the type of a key not known here cannot say.
    const values: GivenValue<unknown>[] = (this.#given[key] ??= []);
    values.push({ value: reading.value, location });
  }

  /** `file:/path`, one entry a line. */
  #takeListFile(key: OptionKey, location: Location, { words: [first = "", ...others] }: Value): void {
    const path = first.slice(LIST_FILE.length);
    if (!path.startsWith("/")) {
      this.#faults.push({
        ...location,
        reason: `invalid list file "${first}": expected file: and a full path, beginning with /`,
      });
      return;
    }
    this.#listFiles.add(path);
    const content = this.#sources.readList(path);
    if ("problem" in content) {
      this.#faults.push({ ...location, reason: `cannot read ${path}: ${content.problem}` });
      return;
    }
    if (others.length > 0) {
      this.#warnings.push({
        ...location,
        reason: `"${others.join(" ")}" is ignored: give one list file per line`,
      });
    }
    for (const { number, value, problem } of readEntries(content.text)) {
      const entry: Location = { file: path, line: number, option: location.option };
      if (problem !== undefined) this.#faults.push({ ...entry, reason: problem });
      else if (namesListFile(value)) {
        this.#faults.push({ ...entry, reason: "a list file cannot name another list file" });
      } else this.#take(key, entry, value);
    }
  }
}

const LIST_FILE = "file:";

function namesListFile({ words: [first = ""] }: Value): boolean {
  return first.slice(0, LIST_FILE.length).toLowerCase() === LIST_FILE;
}

function separateBySpace(sign: string): string {
  return `separate an option and its value with a space, without "${sign}"`;
}

function whyUnknown(key: string): string {
  const [, start = "", sign] = /^([a-z]+)([=:]).*$/i.exec(key) ?? [];
  const name = optionNamed(start);
  if (name !== undefined && sign !== undefined) {
    return `unknown option "${start}${sign}"; ${separateBySpace(sign)}`;
  }
  const hint = optionHint(key, OPTION_NAMES) || optionHint(key.replace(/[^A-Z]/gi, ""), OPTION_NAMES);
  return `unknown option${hint}`;
}
