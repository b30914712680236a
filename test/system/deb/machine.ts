/** A Debian that systemd runs, in namespaces of its own over a tree that stays as it is. */
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const BOOT_MS = 60_000;

/** TREE, and a folder to mount upon. */
const BOOT = `
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 machine "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" machine "$2/root"
cd "$2/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm
while read -r name major minor; do
  mknod -m 666 "dev/$name" c "$major" "$minor"
done <<END
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
END
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
hostname machine
ip link set lo up
mkdir old
pivot_root . old
umount -l /old
exec env -i container=smf-spf PATH=/usr/sbin:/usr/bin /usr/lib/systemd/systemd --unit=multi-user.target </dev/null
`;

const NAMESPACES = ["--mount", "--net", "--pid", "--fork", "--uts", "--ipc", "--cgroup", "--kill-child"];

/** A program that has ended. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export class Machine {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #init: number;

  private constructor(child: ChildProcess, folder: string, init: number) {
    this.#child = child;
    this.#folder = folder;
    this.#init = init;
  }

  /**
   * Starts systemd and waits until it has come up.
   *
   * @param tree the folder of the system, or several as overlayfs wants them
   */
  static async boot(tree: string): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), "smf-spf-machine-"));
    const child = spawn("unshare", [...NAMESPACES, "sh", "-c", BOOT, "boot", tree, folder], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const end = performance.now() + BOOT_MS;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the machine does not start: ${errors}`);
      if (performance.now() > end) throw new Error(`the machine does not come up: ${errors}`);
      const init = firstChildOf(child.pid ?? 0);
      if (init !== undefined) {
        const machine = new Machine(child, folder, init);
        if (/^(?:running|degraded)$/m.test(machine.run("systemctl is-system-running").output)) return machine;
      }
      await sleep(200);
    }
  }

  /** Runs a line of shell in there. */
  run(line: string, input?: Buffer): Ended {
    const namespaces = ["--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--root", "--wd"];
    const environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive"];
    const result = spawnSync(
      "nsenter",
      ["--target", String(this.#init), ...namespaces, ...environment, "sh", "-c", `exec 2>&1; ${line}`],
      { encoding: "utf8", timeout: 120_000, maxBuffer: 64 << 20, ...(input === undefined ? {} : { input }) },
    );
    if (result.error !== undefined) throw result.error;
    return { code: result.status, output: result.stdout + result.stderr };
  }

  /** The same for a line that has to succeed; what it printed. */
  must(line: string, input?: Buffer): string {
    const { code, output } = this.run(line, input);
    if (code !== 0) throw new Error(`${line}: ended with ${code}: ${output}`);
    return output;
  }

  /** Runs a program of this system in the machine's network; what it printed. */
  async inNetwork(program: string, ...args: readonly string[]): Promise<string> {
    const enter = [`--net=/proc/${this.#init}/ns/net`, program, ...args];
    return (await promisify(execFile)("nsenter", enter, { timeout: 120_000 })).stdout;
  }

  /** How a file in there is reached from here. */
  path(path: string): string {
    return `/proc/${this.#init}/root${path}`;
  }

  async stop(): Promise<void> {
    const over = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await over;
    rmdirSync(this.#folder);
  }
}

/** systemd, once the shell has become it. */
function firstChildOf(pid: number): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ");
    const number = Number(child);
    return number > 0 && readFileSync(`/proc/${number}/comm`, "latin1") === "systemd\n" ? number : undefined;
  } catch {
    return undefined;
  }
}

/** Whether this system lets such a machine run, in words where it does not. */
export function lackForMachine(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "root on Linux is needed";
  for (const tool of ["apt-get", "dpkg", "dpkg-deb", "unshare", "nsenter", "mount", "ip"]) {
    try {
      execFileSync("sh", ["-c", `command -v ${tool}`], { stdio: "ignore" });
    } catch {
      return `the program ${tool} is needed`;
    }
  }
  try {
    const probe = "mount -t tmpfs none /mnt && mkdir /mnt/c && mount -t cgroup2 none /mnt/c";
    execFileSync("unshare", [...NAMESPACES, "sh", "-c", probe], { stdio: "ignore" });
  } catch {
    return "namespaces, mounts and cgroups v2 are needed (CAP_SYS_ADMIN)";
  }
  return undefined;
}
