/** A daemon that scenarios share: the settings of the next come with a reload, or with a restart where it takes one. */
import { setTimeout as sleep } from "node:timers/promises";
import { Daemon, type DaemonPlace, writeConfiguration } from "./daemon.ts";
import type { LoggedLine } from "./observation.ts";
import type { Scenario } from "./scenario.ts";

/** Where the daemon's log is read. */
export interface DaemonLog {
  /** What is there already is not read any more. */
  skip(): void;
  lines(): readonly LoggedLine[];
}

const LOG_MS = 60_000;

/** Settings under which the daemon's own lines do not show. */
const HIDES_OWN_LINES = /^LogLevel\s+(error|warning)\b/im;
const RELOADED = /reload: new settings in force/;
const NOT_RELOADED = /reload: .*old settings stay/;
/** The last of the lines that SIGUSR1 brings. */
const COUNTERS_END = /^(\{.*")?memory: /;
/** Lines about messages, in every format. */
const ABOUT_MAIL = /^SPF |"event":"(result|action)"/;

export class ScenarioDaemon {
  readonly #place: DaemonPlace;
  readonly #log: DaemonLog;
  #daemon: Daemon | undefined;
  /** What the daemon was started with, and what it has read last. */
  #started = "";
  #settings = "";

  constructor(place: DaemonPlace, log: DaemonLog) {
    this.#place = place;
    this.#log = log;
  }

  /** Has a daemon serve under the settings of the scenario, and its log begin there. */
  async serve(scenario: Scenario): Promise<Daemon> {
    const started = startKey(scenario);
    const settings = JSON.stringify([scenario.settings, [...scenario.files]]);
    let daemon = this.#daemon;
    if (daemon === undefined || started !== this.#started) {
      await this.stop();
      daemon = await Daemon.start(this.#place, scenario);
      this.#daemon = daemon;
    } else if (settings !== this.#settings) {
      this.#log.skip();
      writeConfiguration(this.#place, scenario);
      daemon.signal("SIGHUP");
      await this.#sees(RELOADED);
    }
    this.#started = started;
    this.#settings = settings;
    this.#log.skip();
    return daemon;
  }

  /**
   * The lines about the messages of a scenario: SIGUSR1 brings the counters behind them, where these show. Where they
   * do not the daemon is ended, which writes what is left; the next scenario has another one in any case.
   */
  async mailLog({ settings }: Scenario): Promise<readonly LoggedLine[]> {
    if (HIDES_OWN_LINES.test(settings)) await this.stop();
    else {
      this.#daemon?.signal("SIGUSR1");
      await this.#sees(COUNTERS_END);
    }
    return this.#log.lines().filter(({ text }) => ABOUT_MAIL.test(text));
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  async #sees(wanted: RegExp): Promise<void> {
    const end = performance.now() + LOG_MS;
    for (;;) {
      const lines = this.#log.lines().map(({ text }) => text);
      if (lines.some((text) => wanted.test(text))) return;
      const refused = lines.some((text) => NOT_RELOADED.test(text));
      if (refused || performance.now() > end) {
        await this.stop();
        throw new Error(`waited in vain for ${wanted.source}; the log has\n${lines.join("\n")}`);
      }
      await sleep(3);
    }
  }
}

/** Scenarios that differ in this cannot share a daemon: a reload keeps verdicts, and does not always show. */
function startKey({ settings, environment, remembers, name }: Scenario): string {
  return JSON.stringify([environment, remembers ? name : "", HIDES_OWN_LINES.test(settings) ? settings : ""]);
}
