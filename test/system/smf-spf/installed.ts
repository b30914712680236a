/** The bundle under its installed name in a folder with nothing else, or with its parts, and daemons run from it. */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
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
import { builtDirectory } from "../../support/built.ts";
import {
  commandLineOf,
  type Ended,
  ended,
  exitOf,
  killed,
  lives,
  until,
} from "../../support/child-process.ts";
import { MtaPlayer, openSocket, openSocketOnceListening } from "../../support/mta-player.ts";

export { type Ended, ended, exitOf, killed, lives, until };

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

  /** @param parts those that are installed with the program: `status` */
  constructor(...parts: readonly ("shared-cache" | "status")[]) {
    const built = builtDirectory();
    mkdirSync(join(this.folder, "sbin"));
    copyFileSync(join(built, "smf-spf.js"), this.program);
    chmodSync(this.program, 0o755);
    const data = join(this.folder, "share", "smf-spf");
    mkdirSync(data, { recursive: true });
    for (const part of parts) copyFileSync(join(built, `${part}.cjs`), join(data, `${part}.cjs`));
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
    return ended(this.spawn(args));
  }

  /** Starts a daemon in the foreground and waits until it listens. */
  async start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
    const child = this.spawn(["-f", "-c", this.config, ...args], { env });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await until("the daemon", () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the daemon ended: ${said}`);
      return existsSync(this.socket) && this.logLines().some((line) => line.includes("started"));
    });
    return child;
  }

  /** The pid of the PID file, or undefined. */
  get pid(): number | undefined {
    const text = textOf(this.pidFile);
    return text === "" ? undefined : Number(text);
  }

  /** The lines of LogTo, without their heads. */
  logLines(path = this.log): string[] {
    return textOf(path)
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

  /** Ends all that was started here, and what the PID file names; then nothing is left. */
  async close(): Promise<void> {
    await this.killAll();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Kills what {@link start}, {@link run} and {@link spawn} have started, and what the PID file names. */
  async killAll(): Promise<void> {
    for (const child of this.#children.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) await killed(child.pid ?? 0);
    }
    // A number may be another's by now.
    const { pid = 0 } = this;
    if (commandLineOf(pid).includes(this.folder)) await killed(pid);
  }

  /** Starts the program, or another that is to start it. */
  spawn(args: readonly string[], { program = this.program, ...options }: SpawnOptions = {}): ChildProcess {
    const { env, ...rest } = options;
    const child = spawn(program, args, {
      cwd: join(this.folder, "sbin"),
      stdio: ["ignore", "pipe", "pipe"],
      ...rest,
      env: { PATH: process.env["PATH"], ...env },
    });
    // Where it cannot be started at all, whoever waits for its end is told.
    child.on("error", () => undefined);
    this.#children.push(child);
    return child;
  }
}

/** A file may go at any moment. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

interface SpawnOptions {
  readonly program?: string;
  readonly stdio?: StdioOptions;
  readonly env?: NodeJS.ProcessEnv;
}
