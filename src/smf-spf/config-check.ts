/** The configuration as the daemon reads it, at start, for -t, and on reload. */
import { accessSync, constants, lstatSync, type Stats, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  DEFAULT_CONFIG_FILE,
  type Fault,
  formatFault,
  type LoadedConfig,
  loadConfig,
  type OptionKey,
  type OptionSettings,
  type Settings,
  type StartValues,
  showConfig,
} from "../config/index.ts";
import { isSyslogReachable } from "../logging/index.ts";
import { EXIT, findGroup, findUser, isRoot, systemCode } from "../process/index.ts";
import { partProblem } from "./parts.ts";
import { keyFileProblem } from "./shared-cache.ts";

/** What the command line says of the configuration. */
export interface ConfigChoice {
  /** The file named with -c. */
  readonly config: string | undefined;
  readonly dryRun: boolean;
}

/** Settings that can be used, or the reasons why there are none. */
export type ReadSettings =
  | {
      readonly settings: Settings;
      /** The same, option by option. */
      readonly options: OptionSettings | undefined;
      readonly warnings: readonly string[];
      /** What was read: the file, and the list files that it names. */
      readonly files: readonly string[];
    }
  | {
      readonly settings: undefined;
      readonly warnings: readonly string[];
      readonly faults: readonly string[];
      readonly exitCode: number;
    };

/** Reads the file. `mustExist`: a default file that is missing is a fault as well. */
export function readSettings(choice: ConfigChoice, { mustExist = false } = {}): ReadSettings {
  const { loaded, accountFaults } = load(choice, mustExist);
  const warnings = [...loaded.warnings, ...loaded.unknown].sort(inOrderOfLines).map(formatWarning);
  const faults = [...loaded.faults, ...accountFaults].map(formatFault);
  if (loaded.settings === undefined || faults.length > 0) {
    return { settings: undefined, warnings, faults, exitCode: exitCodeOf(loaded) };
  }
  const files = [configFileOf(choice), ...loaded.listFiles];
  return { settings: loaded.settings, options: loaded.options, warnings, files };
}

/**
 * The StatusSocket, also where other lines have faults: whoever has just broken the file asks how the daemon does. The exit
 * code is for where there is none.
 */
export function readStatusSocket(choice: ConfigChoice): {
  readonly statusSocket: StartValues["statusSocket"];
  readonly faults: readonly string[];
  readonly exitCode: number;
} {
  const { loaded } = load(choice);
  const faults = loaded.faults.map(formatFault);
  const exitCode = faults.length > 0 ? exitCodeOf(loaded) : EXIT.unavailable;
  return { statusSocket: loaded.noInput ? undefined : loaded.startValues.statusSocket, faults, exitCode };
}

/** Those of the files that this process may not read; one that is not there is another matter. */
export function unreadable(files: readonly string[]): string[] {
  return files.filter((file) => {
    try {
      accessSync(file, constants.R_OK);
      return false;
    } catch (error) {
      return systemCode(error) === "EACCES";
    }
  });
}

/** The file that is read. */
export function configFileOf({ config }: ConfigChoice): string {
  return config === undefined ? DEFAULT_CONFIG_FILE : resolve(config);
}

/**
 * `-t`: every fault, warning and note as `file:line: option: reason`, then how many there are. An unknown key is a
 * fault here, though a daemon would start, and so is what would end the start later.
 */
export function checkConfig(choice: ConfigChoice): { readonly lines: string[]; readonly exitCode: number } {
  const { loaded, accountFaults } = load(choice);
  const { noInput, startValues, locationOf } = loaded;
  const start = (noInput ? [] : checkStart(startValues)).map(({ key, reason, isWarning }) => ({
    ...locationOf(key),
    reason,
    isWarning,
  }));
  const faults = [
    ...loaded.faults,
    ...loaded.unknown,
    ...accountFaults,
    ...start.filter(({ isWarning }) => !isWarning),
  ];
  const warnings = [...loaded.warnings, ...start.filter(({ isWarning }) => isWarning)];
  const lines = [
    ...faults.map((fault) => ({ ...fault, text: formatFault(fault) })),
    ...warnings.map((fault) => ({ ...fault, text: formatWarning(fault) })),
    ...loaded.notes.map((fault) => ({ ...fault, text: formatNote(fault) })),
  ]
    .sort(inOrderOfLines)
    .map(({ text }) => text);
  const counts = [
    counted(faults.length, "fault"),
    counted(warnings.length, "warning"),
    ...(loaded.notes.length === 0 ? [] : [counted(loaded.notes.length, "note")]),
  ];
  return {
    lines: [...lines, `${configFileOf(choice)}: ${counts.join(", ")}`],
    exitCode: faults.length > 0 ? exitCodeOf(loaded) : EXIT.ok,
  };
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** `--show-config`: the settings in force as a smf-spf.conf, and what there is to say of the file. */
export function showConfigOf(
  choice: ConfigChoice,
  { changed }: { readonly changed: boolean },
): { readonly lines: readonly string[]; readonly problems: readonly string[]; readonly exitCode: number } {
  const { loaded } = load(choice);
  const warnings = [...loaded.warnings, ...loaded.unknown].sort(inOrderOfLines).map(formatWarning);
  const problems = [...warnings, ...loaded.faults.map(formatFault)];
  if (loaded.options === undefined) return { lines: [], problems, exitCode: exitCodeOf(loaded) };
  return { lines: showConfig(loaded.options, { changed }), problems, exitCode: EXIT.ok };
}

/** File by file, as they are named, and in the order of their lines. */
function inOrderOfLines(a: Fault, b: Fault): number {
  if (a.file === b.file) return a.line - b.line;
  return a.file < b.file ? -1 : 1;
}

function formatWarning(fault: Fault): string {
  return formatFault({ ...fault, reason: `warning: ${fault.reason}` });
}

function formatNote(fault: Fault): string {
  return formatFault({ ...fault, reason: `note: ${fault.reason}` });
}

function load(choice: ConfigChoice, mustExist = false): { loaded: LoadedConfig; accountFaults: Fault[] } {
  const file = configFileOf(choice);
  const loaded = loadConfig(file, {
    mustExist: mustExist || choice.config !== undefined,
    env: process.env,
    dryRun: choice.dryRun,
  });
  const warnings = [...loaded.warnings, ...missingLogger(loaded)];
  return { loaded: { ...loaded, warnings }, accountFaults: missingAccounts(loaded) };
}

/** Nobody would see it in a log that is not written. */
function missingLogger({ noInput, startValues: { syslog }, locationOf }: LoadedConfig): Fault[] {
  if (noInput || syslog === undefined || syslog === "none" || isSyslogReachable(process.env)) return [];
  return [
    {
      ...locationOf("syslog"),
      reason: "there is no logger(1) on this system, so nothing reaches syslog: install it, or set LogTo",
    },
  ];
}

/**
 * As root the daemon becomes User, so that must be there; an ordinary user stays who it is. A group that is not
 * there would shut the MTA out, whichever user starts it.
 */
function missingAccounts({ noInput, startValues, locationOf }: LoadedConfig): Fault[] {
  if (noInput) return [];
  const faults: Fault[] = [];
  const user = isRoot() ? startValues.user : undefined;
  const account = user === undefined ? undefined : findUser(user);
  if (user !== undefined && account === undefined) {
    faults.push({
      ...locationOf("user"),
      reason: `there is no user "${user}" on this system; create it, or name another`,
    });
  } else if (account?.uid === 0) {
    faults.push({ ...locationOf("user"), reason: `"${user}" is root; the daemon needs a user of its own` });
  }
  const groups = { socketGroup: "name one that the MTA is in", statusSocketGroup: "name another" } as const;
  for (const key of ["socketGroup", "statusSocketGroup"] as const) {
    const group = startValues[key];
    if (group === undefined || findGroup(group) !== undefined) continue;
    faults.push({
      ...locationOf(key),
      reason: `there is no group "${group}" on this system; ${groups[key]}`,
    });
  }
  return faults;
}

function exitCodeOf(loaded: LoadedConfig): number {
  return loaded.noInput ? EXIT.noInput : EXIT.config;
}

/** Something that is not as the start needs it. */
interface StartProblem {
  readonly key: OptionKey;
  readonly reason: string;
  /** The daemon starts all the same. */
  readonly isWarning: boolean;
}

const WORLD_WRITABLE = 0o002;
const STICKY = 0o1000;

/**
 * What would end a start though the configuration has no fault: looks at the directories and files that it makes or
 * opens, and changes none. Permissions are not looked at: root starts.
 */
export function checkStart(values: StartValues): StartProblem[] {
  const { socket, pidFile, daemonize, logTo, cacheFile, sharedCache, sharedCacheKey, statusSocket } = values;
  const problems: StartProblem[] = [];
  const add = (key: OptionKey, reason: string | undefined, isWarning = false): void => {
    if (reason !== undefined) problems.push({ key, reason, isWarning });
  };
  if (socket?.kind === "unix") {
    add("socket", runDirectoryProblem(socket.path) ?? socketFileProblem(socket.path));
  }
  if (pidFile !== undefined) add("pidFile", runDirectoryProblem(pidFile), daemonize === false);
  if (logTo !== undefined && !logTo.startsWith("/dev/")) {
    add("logTo", fileProblem(logTo));
  }
  // Mail is served without it.
  if (cacheFile !== undefined) {
    add("cacheFile", runDirectoryProblem(cacheFile) ?? cacheFileProblem(cacheFile), true);
  }
  const caFile = sharedCache?.caFile;
  if (caFile !== undefined) add("sharedCache", caFileProblem(caFile));
  if (sharedCacheKey !== undefined) add("sharedCacheKey", keyFileProblem(sharedCacheKey));
  if (sharedCache !== undefined) add("sharedCache", partProblem("shared-cache"));
  if (statusSocket !== undefined) add("statusSocket", partProblem("status"));
  return problems;
}

/** The directory of a socket or PID file, which the start makes where only it is missing. */
function runDirectoryProblem(path: string): string | undefined {
  const directory = dirname(path);
  const stat = statOf(directory);
  if (stat === undefined) {
    const above = dirname(directory);
    const why = statOf(above) === undefined ? `${above} does not exist either` : directoryProblem(above);
    return why === undefined
      ? undefined
      : `the directory ${directory} does not exist and cannot be made: ${why}`;
  }
  if (!stat.isDirectory()) return `${directory} is not a directory`;
  if ((stat.mode & WORLD_WRITABLE) !== 0 && (stat.mode & STICKY) === 0) {
    return `${directory} is world-writable, so anyone could replace the file (chmod o-w ${directory})`;
  }
  return undefined;
}

function socketFileProblem(path: string): string | undefined {
  const stat = statOf(path, lstatSync);
  return stat === undefined || stat.isSocket() ? undefined : `${path} exists and is not a socket`;
}

function caFileProblem(path: string): string | undefined {
  const stat = statOf(path);
  if (stat === undefined) return `${path} does not exist`;
  return stat.isFile() ? undefined : `${path} is not a file`;
}

function cacheFileProblem(path: string): string | undefined {
  const stat = statOf(path, lstatSync);
  return stat === undefined || stat.isFile() ? undefined : `${path} exists and is not a regular file`;
}

/** A file that the start opens, and makes where it is missing. */
function fileProblem(path: string): string | undefined {
  if (statOf(path)?.isDirectory() === true) return `${path} is a directory`;
  return directoryProblem(dirname(path));
}

function directoryProblem(directory: string): string | undefined {
  const stat = statOf(directory);
  if (stat === undefined) return `the directory ${directory} does not exist`;
  if (!stat.isDirectory()) return `${directory} is not a directory`;
  return undefined;
}

/** Undefined where it is not there, or where the caller may not look. */
function statOf(path: string, stat: (path: string) => Stats = statSync): Stats | undefined {
  try {
    return stat(path);
  } catch {
    return undefined;
  }
}
