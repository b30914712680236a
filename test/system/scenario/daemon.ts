/** The daemon as it is shipped, started for scenarios. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { accepts } from "../../support/accepts.ts";
import { exitOf } from "../../support/child-process.ts";
import type { Scenario } from "./scenario.ts";

/** The bundle that `make build` makes, or another one named by SMF_SPF. */
export const BUNDLE = process.env["SMF_SPF"] ?? join(import.meta.dirname, "../../../dist/smf-spf.js");

const START_MS = 60_000;

/** Where a daemon lives. */
export interface DaemonPlace {
  /** For its configuration and the files that this names. */
  readonly folder: string;
  readonly socket: string;
  readonly pidFile: string;
  /** Of the socket, as the settings have it. */
  readonly socketMode: number;
  /** Lines of configuration before those of the scenario. */
  readonly settings: string;
}

/** What a scenario says of the daemon. */
export type Configured = Pick<Scenario, "settings" | "files" | "environment">;

/** Writes the configuration and the files that it names; the path of the former. */
export function writeConfiguration(place: DaemonPlace, { settings, files }: Configured): string {
  mkdirSync(place.folder, { recursive: true });
  for (const [name, content] of files) writeFileSync(join(place.folder, name), content, "latin1");
  const file = join(place.folder, "smf-spf.conf");
  writeFileSync(file, place.settings + settings.replaceAll("$FILES", place.folder), "latin1");
  return file;
}

/** One running daemon. */
export class Daemon {
  readonly #child: ChildProcess;
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
    this.#child.once("close", () => {
      this.#running = false;
    });
  }

  /** Starts one in the foreground and waits until it takes connections. */
  static async start(place: DaemonPlace, scenario: Configured): Promise<Daemon> {
    if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is missing; make build`);
    const file = writeConfiguration(place, scenario);
    const daemon = new Daemon(["-f", "-c", file], scenario.environment);
    const end = performance.now() + START_MS;
    while (!daemon.#isReady(place) || !(await accepts({ path: place.socket }))) {
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

  /** The socket gets its mode last: an MTA that is not root can connect from then on only. */
  #isReady({ pidFile, socket, socketMode }: DaemonPlace): boolean {
    return (
      existsSync(pidFile) &&
      Number(readFileSync(pidFile, "latin1")) === this.pid &&
      existsSync(socket) &&
      (statSync(socket).mode & 0o777) === socketMode
    );
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends the signal, which is to end it, and waits for the end. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.#child.kill(signal);
    return exitOf(this.#child, "close");
  }
}
