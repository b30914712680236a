/** `--migrate`: reads the old files and prints the new one. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { migrateConfig, migrateQmail } from "../config/index.ts";
import { EXIT, systemCode, systemReason } from "../process/index.ts";

/**
 * @param path a smf-spf.conf of 2.0.2 or 2.5, or a control directory of qmail
 * @param tcprules the text that tcprules(1) compiles
 */
export function migrate(
  path: string,
  tcprules: string | undefined,
): { readonly lines: readonly string[]; readonly problems: readonly string[]; readonly exitCode: number } {
  let reading = path;
  try {
    if (!statSync(path).isDirectory()) {
      if (tcprules !== undefined) {
        const problems = ["--tcprules is for a qmail control directory, such as /var/qmail/control"];
        return { lines: [], problems, exitCode: EXIT.usage };
      }
      return { lines: migrateConfig(readFileSync(path, "utf8")), problems: [], exitCode: EXIT.ok };
    }
    const read = (name: string): string | undefined => {
      reading = join(path, name);
      return readIfThere(reading);
    };
    const control = {
      spfbehavior: read("spfbehavior"),
      spfrules: read("spfrules"),
      spfguess: read("spfguess"),
      spfexp: read("spfexp"),
    };
    if (Object.values(control).every((text) => text === undefined)) {
      const names = Object.keys(control).join(", ");
      const problems = [`${path}: none of ${names} is in it, so it is not a qmail control directory`];
      return { lines: [], problems, exitCode: EXIT.noInput };
    }
    reading = tcprules ?? path;
    const rules = tcprules === undefined ? undefined : readFileSync(tcprules, "utf8");
    return { lines: migrateQmail(control, rules), problems: [], exitCode: EXIT.ok };
  } catch (error) {
    return { lines: [], problems: [`${reading}: ${systemReason(error)}`], exitCode: EXIT.noInput };
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
