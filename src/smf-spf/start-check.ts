/** What would end a start though the configuration has no fault: for -t, without side effects. */
import { lstatSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import type { OptionKey, Settings } from "../config/index.ts";
import { partProblem } from "./parts.ts";
import { keyFileProblem } from "./shared-cache.ts";

/** Something that is not as the start needs it. */
export interface StartProblem {
  readonly key: OptionKey;
  readonly reason: string;
  /** The daemon starts all the same. */
  readonly isWarning: boolean;
}

const WORLD_WRITABLE = 0o002;
const STICKY = 0o1000;

/** Looks at the directories and files that a start makes or opens. Permissions are not looked at: root starts. */
export function checkStart(settings: Settings): StartProblem[] {
  const { socket, pidFile, daemonize, logTo } = settings;
  const problems: StartProblem[] = [];
  const add = (key: OptionKey, reason: string | undefined, isWarning = false): void => {
    if (reason !== undefined) problems.push({ key, reason, isWarning });
  };
  if (socket.kind === "unix") {
    add("socket", runDirectoryProblem(socket.path) ?? socketFileProblem(socket.path));
  }
  add("pidFile", runDirectoryProblem(pidFile), !daemonize);
  if (logTo !== undefined && !logTo.startsWith("/dev/")) {
    add("logTo", fileProblem(logTo));
  }
  // Mail is served without it.
  if (settings.cacheFile !== undefined) {
    add("cacheFile", runDirectoryProblem(settings.cacheFile) ?? cacheFileProblem(settings.cacheFile), true);
  }
  const caFile = settings.sharedCache?.caFile;
  if (caFile !== undefined) add("sharedCache", caFileProblem(caFile));
  if (settings.sharedCacheKey !== undefined) add("sharedCacheKey", keyFileProblem(settings.sharedCacheKey));
  if (settings.sharedCache !== undefined) add("sharedCache", partProblem("shared-cache"));
  if (settings.statusSocket !== undefined) add("statusSocket", partProblem("status"));
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
