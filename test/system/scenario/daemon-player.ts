/** Plays scenarios to the shipped daemon over its socket, with a name server of the tests' own. */
import { chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogTail } from "../../support/log-tail.ts";
import { openSocket } from "../../support/mta-player.ts";
import { type Nameserver, startNameserver } from "../../support/nameserver/index.ts";
import { ZoneTable } from "../../support/nameserver/zone.ts";
import type { MtaName } from "./lines.ts";
import type { Observation } from "./observation.ts";
import { type Player, playSteps } from "./play.ts";
import type { Scenario } from "./scenario.ts";
import { ScenarioDaemon } from "./scenario-daemon.ts";
import { VirtualMta } from "./virtual-mta.ts";

/** The head that the daemon writes before a line of LogTo. */
const HEAD = /^\w{3} [ \d]\d [\d:]{8} \S+ smf-spf\[\d+\]: /;

/** A user that every system has. */
const NOBODY = "nobody";

function idsOf(user: string): number[] {
  const line = readFileSync("/etc/passwd", "latin1")
    .split("\n")
    .find((entry) => entry.startsWith(`${user}:`));
  return (line ?? "").split(":").slice(2, 4).map(Number);
}

export class DaemonPlayer implements Player {
  readonly #style: MtaName;
  readonly #folder: string;
  readonly #nameserver: Nameserver;
  readonly #daemon: ScenarioDaemon;

  private constructor(style: MtaName, nameserver: Nameserver) {
    this.#style = style;
    this.#nameserver = nameserver;
    this.#folder = mkdtempSync(join(tmpdir(), "smf-spf-scenario-"));
    const log = new LogTail(join(this.#folder, "log"));
    const pidFile = join(this.#folder, "pid");
    const settings = `Socket unix:${this.#socket}
PidFile ${pidFile}
Nameserver ${nameserver.address}:${nameserver.port}
Syslog none
LogTo ${log.path}
${process.getuid?.() === 0 ? `User ${NOBODY}\n` : ""}`;
    // Root is dropped also where tests have it, and the folder of the socket is to be the daemon's own.
    const [uid = 0, gid = 0] = idsOf(NOBODY);
    if (process.getuid?.() === 0) chownSync(this.#folder, uid, gid);
    const place = { folder: this.#folder, socket: this.#socket, pidFile, socketMode: 0o600, settings };
    this.#daemon = new ScenarioDaemon(place, {
      skip: () => {
        log.skip();
      },
      lines: () => log.lines().map((line) => ({ level: undefined, text: line.replace(HEAD, "") })),
    });
  }

  /** A player in the manner of that MTA. */
  static async open(style: MtaName): Promise<DaemonPlayer> {
    return new DaemonPlayer(style, await startNameserver({}, { ttlSeconds: 0, negativeTtlSeconds: 0 }));
  }

  async close(): Promise<void> {
    await this.#daemon.stop();
    await this.#nameserver.close();
    rmSync(this.#folder, { recursive: true });
  }

  async play(scenario: Scenario): Promise<Observation> {
    this.#nameserver.setZone(scenario.zone);
    await this.#daemon.serve(scenario);
    const mta = new VirtualMta(
      this.#style,
      () => openSocket(this.#socket),
      new ZoneTable(scenario.zone),
      scenario.missing,
    );
    const exchanges = await playSteps(scenario.steps, mta);
    return { exchanges, delivered: mta.delivered, held: mta.held, log: await this.#daemon.mailLog(scenario) };
  }

  get #socket(): string {
    return join(this.#folder, "socket");
  }
}
