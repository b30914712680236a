import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { casesFolder, type Target } from "./target.ts";

/** Replays what a target has found before; returns how many cases there were. */
export async function replayCases(target: Target): Promise<number> {
  const folder = casesFolder(target.name);
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder).sort();
  for (const file of files) {
    try {
      await target.replay(Buffer.from(readFileSync(join(folder, file), "latin1").trim(), "hex"));
    } catch (cause) {
      throw new Error(`case ${file} is broken again`, { cause });
    }
  }
  return files.length;
}
