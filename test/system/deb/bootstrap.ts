/** A bare Debian 13 in a folder, made once. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SUITE = "trixie";
const PACKAGES = ["nodejs", "adduser", "init-system-helpers", "systemd", "systemd-sysv"];
const MIRROR = process.env["DEBIAN_MIRROR"] ?? "http://deb.debian.org/debian";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** What this machine lacks, in words for the one who started the tests. */
export class MissingRequirement extends Error {}

/**
 * Makes the system, or finds it from an earlier run.
 *
 * @returns its folder
 * @throws MissingRequirement where it cannot be made
 */
export function bareDebian(cache: string): string {
  const tree = join(cache, SUITE);
  const stampFile = join(cache, "stamp");
  const stamp = `${SUITE} ${process.arch} ${PACKAGES.join(" ")}`;
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return tree;
  mkdirSync(cache, { recursive: true });
  const fresh = `${tree}.new`;
  for (const folder of [tree, fresh]) rmSync(folder, { recursive: true, force: true });
  const tool = fetchDebootstrap(cache);
  const key = existsSync(KEYRING) ? [`--keyring=${KEYRING}`] : [];
  const options = ["--variant=minbase", `--include=${PACKAGES.join(",")}`, ...key];
  try {
    execFileSync("sh", [join(tool, "usr/sbin/debootstrap"), ...options, SUITE, fresh, MIRROR], {
      env: { ...process.env, DEBOOTSTRAP_DIR: join(tool, "usr/share/debootstrap"), LC_ALL: "C" },
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 64 << 20,
    });
  } catch (error) {
    throw new MissingRequirement(`${SUITE} cannot be fetched from ${MIRROR}: ${lastLine(error)}`);
  }
  rmSync(join(fresh, "var/cache/apt/archives"), { recursive: true });
  renameSync(fresh, tree);
  writeFileSync(stampFile, stamp);
  return tree;
}

/** debootstrap is a shell script; it is unpacked, not installed. */
function fetchDebootstrap(cache: string): string {
  const folder = join(cache, "debootstrap");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o755 });
  try {
    execFileSync("apt-get", ["-qq", "-o", "APT::Sandbox::User=root", "download", "debootstrap"], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
  } catch (error) {
    throw new MissingRequirement(`debootstrap cannot be fetched: ${lastLine(error)}`);
  }
  for (const name of readdirSync(folder)) execFileSync("dpkg", ["-x", join(folder, name), folder]);
  return folder;
}

function lastLine(error: unknown): string {
  const stderr = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
  return (stderr === "" ? String(error) : stderr).split("\n").at(-1) ?? "";
}
