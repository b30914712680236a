import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { type ConfigSources, type ParsedConfig, parseConfig } from "./parse-config.ts";

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
