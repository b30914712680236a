/** What the status page learns from the daemon, and the evaluations that it asks for. */
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { octetsOfText, parseIpAddress, unmapIpv4 } from "../address/index.ts";
import { type OptionSettings, type RuleLine, ruleLines, type Settings, showConfig } from "../config/index.ts";
import { Resolver, withinOctets } from "../dns/index.ts";
import type { Log } from "../logging/index.ts";
import type { MilterServer } from "../server/index.ts";
import type { SharedCache } from "../shared-cache/index.ts";
import { jsonReport } from "../spfquery/json-report.ts";
import { evaluate, makeReport, type Query, type QuerySettings } from "../spfquery/query.ts";
import type { Figures, Status, WhyQuery } from "../status/index.ts";
import type { Engine } from "./engine.ts";
import { loadPart } from "./parts.ts";
import { VERSION } from "./version.ts";

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
      refused: refusedErrors(settings()),
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

/** Whether errors are refused; PolicyFor counts too, whichever mail it is for. */
export function refusedErrors({ refusePermError, acceptTempError, policyFor }: Settings): Figures["refused"] {
  return {
    permerror: refusePermError || policyFor.some(({ actions }) => actions.refusePermError === true),
    temperror: !acceptTempError || policyFor.some(({ actions }) => actions.acceptTempError === false),
  };
}

function configurationOf(options: OptionSettings | undefined): Configuration {
  if (options === undefined) return { digest: "none", rules: [] };
  const values = showConfig(options).map((line) => line.replace(/ {2}#.*$/, ""));
  const digest = createHash("sha256").update(values.join("\n")).digest("hex").slice(0, 16);
  return { digest, rules: ruleLines(options, RULE_LINES_MAX) };
}

/** It ends before the request does. */
const WHY_MS_MAX = 4_500;
/** Whoever has a domain makes its records, and all of them would be shown: in the daemon that is, where mail waits. */
const WHY_OCTETS_MAX = 48 * 1024;
const SENDER_OCTETS_MAX = 320;
const HELO_OCTETS_MAX = 255;

/**
 * The evaluation that /why gives, as `spfquery --trace --json` with the settings and the name servers of the daemon: it is
 * not counted as mail, and shares neither cache nor resolver with mail.
 */
function evaluateWhy(
  why: WhyQuery,
  settings: Settings,
  servers: ReturnType<Engine["nameservers"]>,
  signal: AbortSignal,
): Promise<string> | undefined {
  const query = queryOf(why);
  if (query === undefined) return undefined;
  const { lookupLimit, voidLookupLimit, localPolicy, lookupTimeMs } = settings;
  const querySettings = {
    receiver: octetsOfText(hostname()),
    limits: { lookupLimit, voidLookupLimit },
    localPolicy,
    nameservers: servers,
    timeoutMs: Math.min(lookupTimeMs, WHY_MS_MAX),
  };
  return check(query, querySettings, settings, signal);
}

/** The query, or undefined for what no MTA would ask. */
function queryOf({ ip, helo, sender }: WhyQuery): Query | undefined {
  const address = isIP(ip) === 0 ? undefined : parseIpAddress(ip);
  const [heloOctets, senderOctets] = [octetsOfText(helo), octetsOfText(sender)];
  if (address === undefined || !isText(heloOctets, HELO_OCTETS_MAX)) return undefined;
  if (!isText(senderOctets, SENDER_OCTETS_MAX)) return undefined;
  const isNull = senderOctets === "" || senderOctets === "<>";
  if (isNull ? heloOctets === "" : !/.@./s.test(senderOctets)) return undefined;
  return { ip: unmapIpv4(address), helo: heloOctets, sender: isNull ? "" : senderOctets, scope: "mfrom" };
}

function isText(octets: string, octetsMax: number): boolean {
  return octets.length <= octetsMax && !/[\0-\x20\x7f]/.test(octets);
}

/** When the signal is aborted, what is not answered yet never will be. */
async function check(
  query: Query,
  querySettings: QuerySettings,
  { dnsTimeoutMs, dnsTries }: Settings,
  signal: AbortSignal,
): Promise<string> {
  const resolver = new Resolver({
    servers: querySettings.nameservers,
    // Half of the time is left for a second try.
    timeoutMs: Math.min(dnsTimeoutMs, querySettings.timeoutMs / 2),
    tries: dnsTries,
  });
  const close = (): void => {
    resolver.close();
  };
  signal.addEventListener("abort", close);
  try {
    const ports = {
      source: withinOctets(resolver, WHY_OCTETS_MAX),
      evaluate,
      nowMs: () => performance.now(),
      nowSeconds: Math.floor(Date.now() / 1000),
    };
    return JSON.stringify(jsonReport(await makeReport(query, querySettings, ports, true)));
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}
