/** What is done to a system before it is started, each step in a folder that is laid over those of before. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MissingRequirement } from "./bootstrap.ts";

/**
 * LOWER UPPER, and a folder to mount upon; the script comes on standard input. The network and its name servers are
 * those of this machine, as are the certificates that a proxy before npm's registry may need.
 */
const ENTER = `
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 layer "$3"
mkdir -p "$3/root" "$2" "$2.work"
mount -t overlay -o "lowerdir=$1,upperdir=$2,workdir=$2.work" layer "$3/root"
cd "$3/root"
mount -t proc proc proc
mount -t tmpfs -o mode=755 run run
mount --bind /dev dev
mount --bind /etc/resolv.conf etc/resolv.conf
if [ -n "\${NODE_EXTRA_CA_CERTS:-}" ]; then
  cp "$NODE_EXTRA_CA_CERTS" run/certificates.pem
  export NODE_EXTRA_CA_CERTS=/run/certificates.pem
fi
hostname machine.example.org
exec chroot . env HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 sh -e
`;

/** Folders of systems that are made once and found again as long as what makes them is the same. */
export class Layers {
  readonly #cache: string;
  /** What each system was made with, and when. */
  readonly #stamps = new Map<string, string>();

  constructor(cache: string) {
    this.#cache = cache;
  }

  /**
   * A step that fetches what it installs.
   *
   * @param lower the system so far, as overlayfs wants it
   * @returns the system with the step
   * @throws MissingRequirement where the script fails
   */
  kept(lower: string, name: string, script: string): string {
    const upper = join(this.#cache, name);
    const tree = `${upper}:${lower}`;
    const stampFile = `${upper}.stamp`;
    const key = `${this.#stamps.get(lower) ?? lower}\n${script}`;
    const stamp = existsSync(stampFile) ? readFileSync(stampFile, "utf8") : "";
    if (stamp.startsWith(key)) {
      this.#stamps.set(tree, stamp);
      return tree;
    }
    rmSync(stampFile, { force: true });
    try {
      this.fresh(lower, name, script);
    } catch (error) {
      throw new MissingRequirement(String(error));
    }
    // What lies over it is made again when this has been.
    const made = `${key}${Date.now()}`;
    this.#stamps.set(tree, made);
    writeFileSync(stampFile, made);
    return tree;
  }

  /**
   * A step that is made again every time.
   *
   * @param files what is laid into it before the script runs
   * @throws Error with all that was printed where the script fails
   */
  fresh(
    lower: string,
    name: string,
    script: string,
    files?: { readonly at: string; readonly tar: Buffer },
  ): string {
    const upper = join(this.#cache, name);
    const [work, place] = [`${upper}.work`, `${upper}.place`];
    for (const folder of [upper, work]) rmSync(folder, { recursive: true, force: true });
    for (const folder of [upper, place]) mkdirSync(folder, { recursive: true });
    if (files !== undefined) {
      mkdirSync(join(upper, files.at), { recursive: true });
      execFileSync("tar", ["-x", "-C", join(upper, files.at)], { input: files.tar });
    }
    const namespaces = ["--mount", "--uts", "--pid", "--fork", "--kill-child"];
    const { status, stdout, stderr } = spawnSync(
      "unshare",
      [...namespaces, "sh", "-c", ENTER, "enter", lower, upper, place],
      { input: script, encoding: "utf8", maxBuffer: 64 << 20 },
    );
    rmSync(work, { recursive: true, force: true });
    rmSync(place, { recursive: true });
    if (status !== 0) throw new Error(`${name} cannot be made: ${stdout}${stderr}`);
    return `${upper}:${lower}`;
  }
}
