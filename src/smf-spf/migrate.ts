/** `--migrate`: reads the old files and prints the new one. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { migrateConfig, migrateQmail, usedInOldFile } from "../config/index.ts";
import { EXIT, systemCode, systemReason } from "../process/index.ts";

interface Migrated {
  readonly lines: readonly string[];
  readonly problems: readonly string[];
  readonly exitCode: number;
}

/**
 * @param path a smf-spf.conf of 2.0.2 or 2.5, or a control directory of qmail
 * @param tcprules the text that tcprules(1) compiles
 */
export function migrate(path: string, tcprules: string | undefined): Migrated {
  let reading = path;
  try {
    if (!statSync(path).isDirectory()) {
      if (tcprules !== undefined) {
        const problems = ["--tcprules is for a qmail control directory, such as /var/qmail/control"];
        return { lines: [], problems, exitCode: EXIT.usage };
      }
      return migrateFile(path, readFileSync(path, "utf8"));
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

function migrateFile(path: string, text: string): Migrated {
  const { newer, hasOptions, hasOtherLines } = usedInOldFile(text);
  if (hasOtherLines && !hasOptions) {
    const problems = [
      `${path}: no line of it begins with an option, so it is not a smf-spf.conf`,
      "for qmail, name its control directory: smf-spf --migrate /var/qmail/control --tcprules FILE",
    ];
    return { lines: [], problems, exitCode: EXIT.noInput };
  }
  const [option] = newer;
  const problems =
    option === undefined
      ? []
      : [
          `${path}: warning: ${option} is an option of smf-spf 3; if the file is for smf-spf 3 already, keep it: what is printed would change its meaning`,
        ];
  return { lines: migrateConfig(text), problems, exitCode: EXIT.ok };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
