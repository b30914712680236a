/** The daemon as it is shipped, started for scenarios. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LoggedLine } from "./observation.ts";
import type { Scenario } from "./scenario.ts";

/** The bundle that `make build` makes, or another one named by SMF_SPF. */
export const BUNDLE = process.env["SMF_SPF"] ?? join(import.meta.dirname, "..", "..", "dist", "smf-spf.js");

const START_MS = 20_000;

/** Where a daemon lives. */
export interface DaemonPlace {
  /** For its configuration and the files that this names. */
  readonly folder: string;
  readonly socket: string;
  readonly pidFile: string;
  /** Lines of configuration before those of the scenario. */
  readonly settings: string;
}

/** One running daemon. */
export class Daemon {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #output = "";
  #running = true;

  private constructor(args: readonly string[], environment: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [BUNDLE, ...args], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString("latin1")).slice(-10_000);
      });
    }
    this.#exited = new Promise((resolve) => {
      this.#child.once("close", (code) => {
        this.#running = false;
        resolve(code);
      });
    });
  }

  /** Starts one in the foreground and waits until it takes connections. */
  static async start(
    place: DaemonPlace,
    { settings, files, environment }: Pick<Scenario, "settings" | "files" | "environment">,
  ): Promise<Daemon> {
    if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is missing; make build`);
    mkdirSync(place.folder, { recursive: true });
    for (const [name, content] of files) writeFileSync(join(place.folder, name), content, "latin1");
    const file = join(place.folder, "smf-spf.conf");
    writeFileSync(file, place.settings + settings.replaceAll("$FILES", place.folder), "latin1");
    const daemon = new Daemon(["-f", "-c", file], environment);
    const end = performance.now() + START_MS;
    // The PID file is written when the socket has its mode: an MTA that is not root may connect from then on.
    while (!daemon.#isNamedIn(place.pidFile) || !(await accepts(place.socket))) {
      if (!daemon.#running) throw new Error(`the daemon ended: ${daemon.#output}`);
      if (performance.now() > end) {
        await daemon.stop("SIGKILL");
        throw new Error(`the daemon does not listen: ${daemon.#output}`);
      }
      await sleep(5);
    }
    return daemon;
  }

  /** What it has printed, the last of it. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  #isNamedIn(pidFile: string): boolean {
    return existsSync(pidFile) && Number(readFileSync(pidFile, "latin1")) === this.pid;
  }

  /** Sends the signal, which is to end it, and waits for the end. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.#child.kill(signal);
    return this.#exited;
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}

/** Lines about messages, without those about the daemon itself. */
export function isAboutMail(text: string): boolean {
  return text.startsWith("SPF ") || /"event":"(result|action)"/.test(text);
}

/** How long the log may take to show what it has to. */
const LOG_MS = 3000;
const LOG_QUIET_MS = 25;

/** The lines about the messages of a scenario: as many as expected, and a moment for one too many. */
export async function settledLog(
  { log }: Pick<Scenario, "log">,
  read: () => readonly LoggedLine[],
): Promise<readonly LoggedLine[]> {
  const lines = (): LoggedLine[] => read().filter(({ text }) => isAboutMail(text));
  const end = performance.now() + LOG_MS;
  while (log !== undefined && lines().length < log.length && performance.now() < end) await sleep(5);
  await sleep(LOG_QUIET_MS);
  return lines();
}
