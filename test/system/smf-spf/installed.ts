/** The bundle under its installed name in a folder with nothing else, or with its parts, and daemons run from it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findUser } from "../../../src/process/index.ts";
import { type Ended, ended, until } from "../../support/child-process.ts";
import { MtaPlayer, openSocket, openSocketOnceListening } from "../../support/mta-player.ts";

export { type Ended, ended, until };

const ROOT = join(import.meta.dirname, "../../..");
const IS_ROOT = process.getuid?.() === 0;

/** An installation for the tests of one file. */
export class Installed {
  readonly folder = mkdtempSync(join(tmpdir(), "smf-spf-main-"));
  readonly program = join(this.folder, "sbin", "smf-spf");
  readonly socket = join(this.folder, "run", "s");
  readonly pidFile = join(this.folder, "run", "pid");
  readonly log = join(this.folder, "log", "spf.log");
  readonly config = join(this.folder, "smf-spf.conf");
  readonly #children: ChildProcess[] = [];

  /** @param parts those that are installed beside the program: `status` */
  constructor(...parts: readonly ("shared-cache" | "status")[]) {
    const built = join(this.folder, "built");
    execFileSync(process.execPath, [join(ROOT, "build.mjs"), built], { stdio: "pipe" });
    mkdirSync(join(this.folder, "sbin"));
    copyFileSync(join(built, "smf-spf.js"), this.program);
    chmodSync(this.program, 0o755);
    const data = join(this.folder, "share", "smf-spf");
    mkdirSync(data, { recursive: true });
    for (const part of parts) copyFileSync(join(built, `${part}.cjs`), join(data, `${part}.cjs`));
    rmSync(built, { recursive: true });
    chmodSync(this.folder, 0o755);
    mkdirSync(join(this.folder, "log"));
    const nobody = findUser("nobody");
    if (IS_ROOT && nobody !== undefined) chownSync(join(this.folder, "log"), nobody.uid, nobody.gid);
  }

  /** Writes the configuration: places of this installation, then the lines given. */
  configure(...lines: string[]): void {
    const own = [`Socket unix:${this.socket}`, `PidFile ${this.pidFile}`, `LogTo ${this.log}`, "Syslog none"];
    // A daemon that reads it at this moment sees the old or the new one.
    writeFileSync(
      `${this.config}.new`,
      [...(IS_ROOT ? ["User nobody"] : []), ...own, ...lines, ""].join("\n"),
    );
    renameSync(`${this.config}.new`, this.config);
  }

  /** Runs the program to its end. */
  async run(...args: string[]): Promise<Ended> {
    return ended(this.#spawn(args));
  }

  /** Starts a daemon in the foreground and waits until it listens. */
  async start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
    const child = this.#spawn(["-f", "-c", this.config, ...args], env);
    const over = ended(child);
    let end: Ended | undefined;
    void over.then((result) => (end = result));
    await until("the daemon", () => {
      if (end !== undefined) throw new Error(`the daemon ended: ${end.err}`);
      return existsSync(this.socket) && this.logLines().some((line) => line.includes("started"));
    });
    return child;
  }

  /** The pid of the PID file, or undefined. */
  get pid(): number | undefined {
    return existsSync(this.pidFile) ? Number(readFileSync(this.pidFile, "latin1")) : undefined;
  }

  /** The lines of LogTo, without their heads. */
  logLines(path = this.log): string[] {
    if (!existsSync(path)) return [];
    return readFileSync(path, "latin1")
      .split("\n")
      .slice(0, -1)
      .map((line) => line.replace(/^.*? smf-spf\[\d+\]: /, ""));
  }

  /** An MTA that is connected to the daemon, at its own socket or at one that somebody else is about to make for it. */
  async mta(path = this.socket): Promise<MtaPlayer> {
    const mta = new MtaPlayer(
      await (path === this.socket ? openSocket(path) : openSocketOnceListening(path)),
    );
    await mta.connect({ hostname: "mail.example.net", address: "192.0.2.1" });
    await mta.helo("mail.example.net");
    return mta;
  }

  close(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const child = spawn(this.program, args, {
      cwd: join(this.folder, "sbin"),
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], ...env },
    });
    this.#children.push(child);
    return child;
  }
}

/** Whether a process is there. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
