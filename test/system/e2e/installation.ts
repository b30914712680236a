/** The daemon as `make install` puts it onto a machine: from the release tarball, run by its SysV script. */
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { RIG, run } from "./namespace.ts";
import { waitUntil } from "./process.ts";

const ROOT = join(import.meta.dirname, "../../..");
const SOURCE = join(RIG, "release");

export const PROGRAM = "/usr/local/sbin/smf-spf";
export const CONFIG = "/etc/mail/smfs/smf-spf.conf";
export const SAMPLE = "/usr/local/share/smf-spf/smf-spf.conf.sample";
export const RUN_FOLDER = "/var/run/smfs";
export const SOCKET = `${RUN_FOLDER}/smf-spf.sock`;
export const PID_FILE = `${RUN_FOLDER}/smf-spf.pid`;
const SCRIPT = "/etc/init.d/smf-spf";
/** Where an installation may leave something. */
const FOLDERS = ["/etc", "/usr/local", "/usr/share/man", "/var/lib", "/var/run", "/run/systemd"];
const ACCOUNT_FILES = ["passwd", "group", "shadow", "gshadow"].flatMap((name) => [
  `/etc/${name}`,
  `/etc/${name}-`,
]);

/** A program that has ended. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program to its end, whatever that is. */
export function attempt(program: string, ...args: string[]): Ended {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: 120_000 });
  return { code: status, output: error === undefined ? stdout + stderr : String(error) };
}

/** Makes a release tarball and unpacks it, as an administrator would. */
export function unpackRelease(): void {
  run("mkdir", "-p", SOURCE);
  run("sh", "-c", `cd ${ROOT} && sh init/dist.sh ${SOURCE}`);
  const tarball = readdirSync(SOURCE).find((name) => name.endsWith(".tar.gz")) ?? "";
  run("tar", "-xzf", join(SOURCE, tarball), "-C", SOURCE, "--strip-components=1");
}

/** `make TARGET` in the unpacked release, where npm is missing. */
export function make(target: string, ...variables: string[]): string {
  return run(
    "make",
    "-C",
    SOURCE,
    target,
    "NPM=false",
    "INIT=sysv",
    `NODE=${process.execPath}`,
    ...variables,
  );
}

/** `/etc/init.d/smf-spf COMMAND`, with the short PATH of a boot. */
export function service(command: string): Ended {
  return attempt("env", "-i", "PATH=/sbin:/bin:/usr/sbin:/usr/bin", SCRIPT, command);
}

/** Puts the sample back with these lines after it. */
export function configure(...lines: string[]): void {
  copyFileSync(SAMPLE, CONFIG);
  appendFileSync(CONFIG, `\n${lines.join("\n")}\n`);
}

/** The number in the PID file; 0 where there is none. */
export function daemonPid(): number {
  return existsSync(PID_FILE) ? Number(readFileSync(PID_FILE, "latin1")) : 0;
}

/** Waits until the process is no more. */
export async function gone(pid: number): Promise<void> {
  await waitUntil(`the end of ${pid}`, () => !existsSync(`/proc/${pid}`));
}

/** Every file and folder that an installation could have left, with type, mode and owner. */
export function listFiles(): string[] {
  const list = join(RIG, "files");
  const format = "%p %y %m %U:%G\\n";
  run(
    "sh",
    "-c",
    `find ${FOLDERS.filter((path) => existsSync(path)).join(" ")} -printf '${format}' > ${list}`,
  );
  return readFileSync(list, "latin1")
    .split("\n")
    .filter((line) => !ACCOUNT_FILES.some((file) => line.startsWith(`${file} `)))
    .filter((line) => !/^\/etc\/(?:\.pwd\.lock|subuid-?|subgid-?) /.test(line))
    .sort();
}

/** Takes an account away from the files, for an installation to make it. */
export function forgetAccount(name: string): { restore(): void } {
  const saved = ACCOUNT_FILES.map((file) => ({
    file,
    content: existsSync(file) ? readFileSync(file) : undefined,
  }));
  for (const { file, content } of saved) {
    if (content === undefined || file.endsWith("-")) continue;
    const lines = content.toString("latin1").split("\n");
    writeFileSync(file, lines.filter((line) => !line.startsWith(`${name}:`)).join("\n"), "latin1");
  }
  return {
    restore: () => {
      for (const { file, content } of saved) {
        if (content === undefined) rmSync(file, { force: true });
        else writeFileSync(file, content);
      }
    },
  };
}
