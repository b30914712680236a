import { closeSync, constants, fstatSync, mkdtempSync, openSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** A folder that only root can use. */
export interface PrivateFolder {
  /** A path that leads to this very folder, whoever renames what. Needs /proc. */
  readonly path: string;
  /** Takes the folder away, and what was left in it under that name. */
  remove(name: string): void;
}

/**
 * Makes a folder of root's in one that belongs to another user. That user can rename it and put something else in
 * its place, so it is looked at once it is open, and used through the descriptor from then on.
 *
 * @throws system errors, and an error where another one has taken its place
 */
export function makePrivateFolder(folder: string): PrivateFolder {
  const name = mkdtempSync(join(folder, ".smf-spf-"));
  const fd = openSync(name, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const stat = fstatSync(fd);
  if (stat.uid !== 0 || (stat.mode & 0o777) !== 0o700) {
    closeSync(fd);
    throw new Error(`another folder has taken the place of ${name}`);
  }
  const path = `/proc/self/fd/${fd}`;
  return {
    path,
    remove: (file) => {
      rmSync(join(path, file), { force: true });
      closeSync(fd);
      try {
        rmdirSync(name);
      } catch {
        // Renamed by the folder's owner, whose litter it is then.
      }
    },
  };
}
