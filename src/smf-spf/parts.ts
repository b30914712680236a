/** Parts of smf-spf that few need: files of their own once built, loaded only where their option is set. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { DaemonError, EXIT } from "../process/index.ts";
import { areBuilt, importPart, type Parts } from "./part-sources.ts";

/** The option that each part serves. */
const OPTIONS: Readonly<Record<keyof Parts, string>> = {
  "shared-cache": "SharedCache",
  status: "StatusSocket",
};

/**
 * What a part exports.
 *
 * @throws DaemonError where its file is missing
 */
export async function loadPart<Name extends keyof Parts>(name: Name): Promise<Parts[Name]> {
  const problem = partProblem(name);
  if (problem !== undefined) throw new DaemonError(EXIT.config, `${OPTIONS[name]} ${problem}`);
  return importPart(name, findPart(name));
}

/** Why a part cannot be loaded; undefined where it can. */
export function partProblem(name: keyof Parts): string | undefined {
  if (!areBuilt || findPart(name) !== undefined) return undefined;
  return `needs ${placesOf(name)[1] ?? name}, which is missing: install it again`;
}

function findPart(name: keyof Parts): string | undefined {
  return areBuilt ? placesOf(name).find((place) => existsSync(place)) : undefined;
}

/** Where a built part may be: beside the program, as in dist, else where `make install` and the packages put it. */
function placesOf(name: keyof Parts): string[] {
  const directory = dirname(realpathSync(process.argv[1] ?? ""));
  const directories = [
    directory,
    join(directory, "../share/smf-spf"),
    "/usr/local/share/smf-spf",
    "/usr/share/smf-spf",
  ];
  return directories.map((place) => join(place, `${name}.cjs`));
}
