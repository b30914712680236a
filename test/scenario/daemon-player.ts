/** Plays scenarios to the shipped daemon over its socket, with a name server of the tests' own. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSocket } from "../support/mta-player.ts";
import { type Nameserver, startNameserver } from "../support/nameserver/index.ts";
import { ZoneTable } from "../support/nameserver/zone.ts";
import { Daemon, settledLog } from "./daemon.ts";
import type { MtaName } from "./lines.ts";
import type { LoggedLine, Observation } from "./observation.ts";
import { type Player, playSteps } from "./play.ts";
import { type Scenario, startKey } from "./scenario.ts";
import { VirtualMta } from "./virtual-mta.ts";

/** The head that the daemon writes before a line of LogTo. */
const HEAD = /^\w{3} [ \d]\d [\d:]{8} \S+ smf-spf\[\d+\]: /;

export class DaemonPlayer implements Player {
  readonly #style: MtaName;
  readonly #folder: string;
  readonly #nameserver: Nameserver;
  #daemon: Daemon | undefined;
  #key = "";

  private constructor(style: MtaName, nameserver: Nameserver) {
    this.#style = style;
    this.#nameserver = nameserver;
    this.#folder = mkdtempSync(join(tmpdir(), "smf-spf-scenario-"));
  }

  /** A player in the manner of that MTA. */
  static async open(style: MtaName): Promise<DaemonPlayer> {
    return new DaemonPlayer(style, await startNameserver({}, { ttlSeconds: 0, negativeTtlSeconds: 0 }));
  }

  async close(): Promise<void> {
    await this.#daemon?.stop();
    await this.#nameserver.close();
    rmSync(this.#folder, { recursive: true });
  }

  async play(scenario: Scenario): Promise<Observation> {
    this.#nameserver.setZone(scenario.zone);
    await this.#serve(scenario);
    const read = this.#logReader();
    const mta = new VirtualMta(this.#style, () => openSocket(this.#socket), new ZoneTable(scenario.zone));
    const exchanges = await playSteps(scenario.steps, mta);
    return { exchanges, delivered: mta.delivered, held: mta.held, log: await settledLog(scenario, read) };
  }

  get #socket(): string {
    return join(this.#folder, "socket");
  }

  get #log(): string {
    return join(this.#folder, "log");
  }

  /** Scenarios of the same settings share a daemon, unless it remembers verdicts. */
  async #serve(scenario: Scenario): Promise<void> {
    const key = startKey(scenario);
    if (this.#daemon !== undefined && key === this.#key) return;
    await this.#daemon?.stop();
    this.#daemon = undefined;
    const pidFile = join(this.#folder, "pid");
    const settings = `Socket unix:${this.#socket}
PidFile ${pidFile}
Nameserver ${this.#nameserver.address}:${this.#nameserver.port}
Syslog none
LogTo ${this.#log}
`;
    this.#daemon = await Daemon.start(
      { folder: this.#folder, socket: this.#socket, pidFile, settings },
      scenario,
    );
    this.#key = key;
  }

  /** Reads the lines that are written from now on. */
  #logReader(): () => LoggedLine[] {
    const from = existsSync(this.#log) ? statSync(this.#log).size : 0;
    return () => {
      if (!existsSync(this.#log)) return [];
      const text = readFileSync(this.#log).subarray(from).toString("latin1");
      return text
        .split("\n")
        .slice(0, -1)
        .map((line) => ({ level: undefined, text: line.replace(HEAD, "") }));
    };
  }
}
