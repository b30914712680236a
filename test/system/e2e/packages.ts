/** The Debian packages of the rig: fetched into a cache folder and unpacked into one tree, never installed. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Several lists, since the two MTAs exclude each other as installed packages. */
const WANTED: readonly (readonly string[])[] = [
  ["sendmail-bin", "sendmail-base", "sendmail-cf", "m4", "sasl2-bin", "libsasl2-modules", "rsyslog"],
  ["postfix"],
  ["opendkim", "opendmarc", "spamassassin", "libmail-authenticationresults-perl", "python3-authres"],
  ["redis-server"],
];

/** What OpenDMARC has its reports in; nothing here makes any. */
const UNUSED = /^(?:dbconfig-|default-mysql-|mariadb-|mysql-|libmariadb|libconfig-inifiles-perl)/;

/** What a usable tree holds, or the machine itself where a package is installed there. */
const PROGRAMS = [
  "usr/libexec/sendmail/sendmail",
  "usr/bin/m4",
  "usr/sbin/saslpasswd2",
  "usr/sbin/rsyslogd",
  "usr/sbin/postfix",
  "usr/sbin/opendkim",
  "usr/sbin/opendmarc",
  "usr/share/perl5/Mail/AuthenticationResults.pm",
  "usr/share/perl5/Mail/SpamAssassin.pm",
  "usr/lib/python3/dist-packages/authres/core.py",
  "usr/bin/redis-server",
];

/** What the rig cannot do without, in words for the one who started it. */
export class MissingRequirement extends Error {}

/** The packages, each as `name=version`, that this machine lacks for one list. */
function lackingPackages(names: readonly string[]): string[] {
  let plan: string;
  try {
    plan = execFileSync("apt-get", ["--simulate", "--no-install-recommends", "install", ...names], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" },
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    throw new MissingRequirement(
      `apt-get knows no ${names[0] ?? ""}; run \`apt-get update\` (${firstLine(error)})`,
    );
  }
  return [...plan.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+)/gm)]
    .filter(([, name]) => !UNUSED.test(name ?? ""))
    .map(([, name, version]) => `${name ?? ""}=${version ?? ""}`);
}

/**
 * Makes the tree that is laid over /usr, /etc and /var, or finds it from an earlier run on this release.
 * @returns its path
 * @throws MissingRequirement where the packages can neither be found in the cache nor fetched
 */
export function packageTree(
  cache: string,
  lists: readonly (readonly string[])[] = WANTED,
  programs: readonly string[] = PROGRAMS,
): string {
  const tree = join(cache, "tree");
  const stampFile = join(cache, "stamp");
  const stamp = `${readFileSync("/etc/debian_version", "utf8").trim()} ${process.arch} ${lists.flat().join(" ")}`;
  const found = existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp;
  if (found && programs.every((file) => existsSync(join(tree, file)) || existsSync(join("/", file))))
    return tree;

  const wanted = [...new Set(lists.flatMap(lackingPackages))].sort();
  const downloads = join(cache, "downloads");
  rmSync(tree, { recursive: true, force: true });
  rmSync(downloads, { recursive: true, force: true });
  mkdirSync(downloads, { recursive: true, mode: 0o755 });
  try {
    // As root apt would drop to its own user, who may have no right to this folder.
    execFileSync("apt-get", ["-qq", "-o", "APT::Sandbox::User=root", "download", ...wanted], {
      cwd: downloads,
      stdio: ["ignore", "ignore", "pipe"],
    });
  } catch (error) {
    throw new MissingRequirement(
      `packages cannot be fetched; is the Debian mirror in reach, and \`apt-get update\` recent? (${firstLine(error)})`,
    );
  }
  const unpacked = `${tree}.new`;
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(unpacked, { mode: 0o755 });
  for (const file of readdirSync(downloads)) execFileSync("dpkg", ["-x", join(downloads, file), unpacked]);
  mergeIntoUsr(unpacked);
  rmSync(downloads, { recursive: true });
  renameSync(unpacked, tree);
  writeFileSync(stampFile, stamp);
  return tree;
}

/** Older packages still ship /bin, /sbin and /lib, which are links into /usr on the running system. */
function mergeIntoUsr(tree: string): void {
  for (const folder of ["bin", "sbin", "lib", "lib64"]) {
    const from = join(tree, folder);
    if (!existsSync(from)) continue;
    mkdirSync(join(tree, "usr", folder), { recursive: true });
    execFileSync("cp", ["-a", `${from}/.`, join(tree, "usr", folder)]);
    rmSync(from, { recursive: true });
  }
}

function firstLine(error: unknown): string {
  const stderr = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
  return (stderr.trim() === "" ? String(error) : stderr).trim().split("\n")[0] ?? "";
}
