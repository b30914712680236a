import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { isJournal } from "./standard-streams.ts";

/** The program that hands lines to the system's log. */
export const LOGGER = "logger";

/** Those that an rc script's PATH may lack. */
const FOLDERS = ["/usr/bin", "/bin"];

/** The environment of a logger: little of our own. */
export function loggerEnvironment({ PATH }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: [PATH, ...FOLDERS].filter(Boolean).join(":"), LC_ALL: "C" };
}

/** Whether what is for syslog gets there: through the journal, or through a logger(1) that is installed. */
export function isSyslogReachable(env: NodeJS.ProcessEnv, folders: readonly string[] = FOLDERS): boolean {
  if (isJournal(env["JOURNAL_STREAM"])) return true;
  return [...(env["PATH"] ?? "").split(":"), ...folders].some((folder) => {
    try {
      accessSync(join(folder, LOGGER), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
