/** What the status page is told of the daemon. */
import { createHash } from "node:crypto";
import { type OptionSettings, type RuleLine, ruleLines, type Settings, showConfig } from "../config/index.ts";
import type { Log } from "../logging/index.ts";
import type { MilterServer } from "../server/index.ts";
import type { SharedCache } from "../shared-cache/index.ts";
import type { Figures, Status } from "../status/index.ts";
import type { Engine } from "./engine.ts";
import { loadPart } from "./parts.ts";
import { VERSION } from "./version.ts";
import { evaluateWhy } from "./why.ts";

/** Lines of the configuration whose hits are counted. */
const RULE_LINES_MAX = 500;

/** What is read of the daemon when somebody looks. */
export interface StatusSources {
  readonly log: Log;
  readonly server: MilterServer;
  /** Those in force. */
  readonly settings: () => Settings;
  readonly engine: () => Engine;
  readonly shared: SharedCache | undefined;
}

/** What of the configuration the page shows; it changes with a reload only. */
interface Configuration {
  readonly digest: string;
  readonly rules: readonly RuleLine[];
}

/** The status page of a daemon. */
export class StatusPage {
  readonly status: Status;
  readonly #sources: StatusSources;
  #configuration: Configuration;
  #reload: Figures["reload"] = { ok: true, timeMs: Date.now() };

  private constructor(
    sources: StatusSources,
    options: OptionSettings | undefined,
    makeStatus: typeof Status,
  ) {
    this.#sources = sources;
    this.#configuration = configurationOf(options);
    this.status = new makeStatus({
      product: { version: VERSION, node: process.version, startedMs: Date.now() - process.uptime() * 1000 },
      figures: () => this.#figures(),
      why: (query, signal) => evaluateWhy(query, sources.settings(), sources.engine().nameservers(), signal),
      nowMs: () => Date.now(),
      onError: (error) => {
        sources.log.failure("error in the status page", error);
      },
    });
    this.status.setRules(this.#configuration.rules);
  }

  /**
   * Loads what a status page needs; without one nothing of it is loaded.
   *
   * @throws DaemonError where its file is missing
   */
  static async create(sources: StatusSources, options: OptionSettings | undefined): Promise<StatusPage> {
    const { Status: makeStatus } = await loadPart("status");
    return new StatusPage(sources, options, makeStatus);
  }

  /** The configuration was read again, and taken where there are options. */
  reloaded(options: OptionSettings | undefined): void {
    this.#reload = { ok: options !== undefined, timeMs: Date.now() };
    if (options === undefined) return;
    this.#configuration = configurationOf(options);
    this.status.setRules(this.#configuration.rules);
  }

  #figures(): Figures {
    const { log, server, settings, engine, shared } = this.#sources;
    const { open, busy, accepted, refused, ...counters } = server.statistics();
    return {
      reportOnly: settings().reportOnly,
      configDigest: this.#configuration.digest,
      rules: this.#configuration.rules,
      ...engine().figures(),
      connections: {
        open,
        busy,
        accepted,
        refused,
        closed: {
          idle: counters.idleClosed,
          budget: counters.overBudget,
          protocol: counters.protocolErrors,
          handler: counters.handlerErrors,
        },
      },
      logLinesLost: log.lostInAll,
      reload: this.#reload,
      sharedCache: shared?.counters(),
      accepting: server.listening,
    };
  }
}

function configurationOf(options: OptionSettings | undefined): Configuration {
  if (options === undefined) return { digest: "none", rules: [] };
  const values = showConfig(options).map((line) => line.replace(/ {2}#.*$/, ""));
  const digest = createHash("sha256").update(values.join("\n")).digest("hex").slice(0, 16);
  return { digest, rules: ruleLines(options, RULE_LINES_MAX) };
}
