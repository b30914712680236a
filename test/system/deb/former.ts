/** The package of the former version, made from its last commit: what people upgrade from. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MissingRequirement } from "./bootstrap.ts";

export const FORMER_VERSION = "3.0.0";
const COMMIT = "7314db1";

/**
 * Makes the package, or finds it from an earlier run.
 *
 * @returns its path
 * @throws MissingRequirement where the history is not there, or npm cannot fetch what it is built with
 */
export function formerPackage(root: string, cache: string): string {
  const kept = join(cache, `smf-spf_${FORMER_VERSION}_${COMMIT}.deb`);
  if (existsSync(kept)) return kept;
  // Outside of this repository, whose files its own dist.sh would list.
  const folder = mkdtempSync(join(tmpdir(), "smf-spf-former-"));
  try {
    const archive = execFileSync("git", ["-C", root, "archive", COMMIT], {
      maxBuffer: 64 << 20,
      stdio: "pipe",
    });
    execFileSync("tar", ["-x", "-C", folder], { input: archive });
    execFileSync("make", ["-C", folder, "dist"], { stdio: "pipe" });
    mkdirSync(cache, { recursive: true });
    execFileSync("cp", [join(folder, "dist", `smf-spf_${FORMER_VERSION}_all.deb`), `${kept}.new`]);
    renameSync(`${kept}.new`, kept);
    return kept;
  } catch (error) {
    const stderr = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    throw new MissingRequirement(
      `version ${FORMER_VERSION} cannot be made from commit ${COMMIT}: ${stderr || String(error)}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
