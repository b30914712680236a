/** The life of the daemon: bind, drop privileges, serve, reload, drain. */
import { hostname, userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import {
  diffSettings,
  formatSocket,
  keepUntilRestart,
  type OptionSettings,
  type Settings,
} from "../config/index.ts";
import { formatNameserver } from "../dns/index.ts";
import { Log } from "../logging/index.ts";
import { disablePretenuring, heapShare, shareSocketShapes } from "../node-tuning.ts";
import {
  type Account,
  adoptSocket,
  type BoundSocket,
  bindSocket,
  DaemonError,
  dropPrivileges,
  EXIT,
  findUser,
  inheritedSocket,
  isRoot,
  listenToSignals,
  notifyReady,
  notifyStopping,
  ownEnvironment,
  refuseOccupied,
  removePidFile,
  type Starter,
  verifyPrivileges,
  whyTooManyConnections,
  writePidFile,
} from "../process/index.ts";
import { MilterServer } from "../server/index.ts";
import type { SharedCache } from "../shared-cache/index.ts";
import type { CacheFile } from "./cache-file.ts";
import { type ConfigChoice, readSettings, unreadable } from "./config-check.ts";
import { connectionCounters, processCounters, sharedCounters, Traffic, tellServerEvent } from "./counters.ts";
import { createGeneration, type Generation, type GenerationPorts } from "./engine.ts";
import { prepareDirectories, socketAccess, statusAccess } from "./privileged-start.ts";
import { openSharedCache } from "./shared-cache.ts";
import { StatusPage } from "./status-page.ts";
import { VERSION } from "./version.ts";

/** How often CacheFile is written: what a crash costs. */
const SAVE_EVERY_MS = 15 * 60_000;

/** What connections may hold together of messages that are not finished: thousands of ordinary ones. */
const CONNECTIONS_OCTETS = 256 * 1024 * 1024;

/** What may be left to do when ShutdownTime is over. */
const CLOSING_MS = 15_000;

/** What the daemon starts with. */
export interface DaemonStart {
  readonly settings: Settings;
  /** The same, option by option. */
  readonly options: OptionSettings | undefined;
  readonly warnings: readonly string[];
  readonly choice: ConfigChoice;
  /** What the settings were read from. */
  readonly files: readonly string[];
  /** The path of our script, by which a PID is known to be ours. */
  readonly program: string;
  readonly starter: Starter;
}

/**
 * Serves until a signal ends it.
 *
 * @returns the exit code
 * @throws DaemonError where it cannot start
 */
export async function runDaemon(start: DaemonStart): Promise<number> {
  disablePretenuring();
  shareSocketShapes();
  const { settings, starter } = start;
  const { handover } = starter;
  const account = isRoot() ? findUser(settings.user) : undefined;
  const socketFd = handover?.socketFd ?? inheritedSocket(process.env, process.pid);
  const inherited = ownEnvironment(process.env);
  for (const name of Object.keys(process.env)) {
    if (!(name in inherited)) Reflect.deleteProperty(process.env, name);
  }
  const warnings = [...start.warnings];
  if (handover === undefined) {
    const ownsSocket = socketFd === undefined;
    warnings.push(
      ...prepareDirectories(settings, account, { ownsSocket, needsPidFile: starter.isBackground }),
    );
  } else {
    const user = findUser(settings.user);
    if (user !== undefined) verifyPrivileges(user);
  }
  const log = new Log(settings, {
    hostname: hostname(),
    pid: process.pid,
    now: () => new Date(),
    owner: account,
    logFd: handover?.logFd,
    journalStream: process.env["JOURNAL_STREAM"],
  });
  let ready = false;
  process.on("uncaughtException", (error) => {
    log.failure("unexpected error", error);
    if (ready) return;
    void log.close().then(async () => {
      await starter.failed(EXIT.software, `unexpected error: ${String(error)}`);
      process.exit(EXIT.software);
    });
  });
  let daemon: Daemon;
  try {
    const shared = await openSharedCache(settings, (text) => {
      log.notice(text);
    });
    daemon = new Daemon(start, log, shared);
    await daemon.open(account, socketFd);
  } catch (error) {
    // While root is still with us no helper is started; LogTo and standard error get the words all the same.
    if (!isRoot()) log.start();
    log.error(error instanceof Error ? error.message : String(error));
    await log.close();
    throw error;
  }
  if (starter.isBackground) process.chdir("/");
  process.umask(0o027);
  log.start();
  for (const warning of warnings) log.warning(warning);
  if (account !== undefined) {
    for (const file of unreadable(start.files)) {
      log.warning(`${file} cannot be read by User ${account.name}, so a reload will fail`);
    }
  }
  const ended = daemon.serve();
  ready = true;
  if (!daemon.isStopping) {
    // First systemd, which must know this process before the one that started it ends.
    const failure = await notifyReady(process.env, {
      status: `listening on ${formatSocket(settings.socket)}`,
    });
    if (failure !== undefined) log.warning(failure);
  }
  if (daemon.isStopping) {
    await starter.failed(EXIT.software, "stopped by a signal before it was ready");
    return ended;
  }
  await starter.ready();
  // Not before: it takes longer than all the rest.
  daemon.warnOfLimits();
  return ended;
}

class Daemon {
  readonly #start: DaemonStart;
  readonly #log: Log;
  readonly #server: MilterServer;
  readonly #traffic = new Traffic();
  readonly #ports: GenerationPorts;
  #generation: Generation;
  #cacheFile: CacheFile | undefined;
  #saver: NodeJS.Timeout | undefined;
  #socket: BoundSocket | undefined;
  #isStopping = false;
  /** Only where StatusSocket is given. */
  #page: StatusPage | undefined;
  #statusSocket: BoundSocket | undefined;

  constructor(start: DaemonStart, log: Log, shared: SharedCache | undefined) {
    this.#start = start;
    this.#log = log;
    this.#ports = {
      hostname: hostname(),
      report: (event) => {
        this.#traffic.add(event);
        this.#page?.status.add(event);
        log.report(event);
      },
      // Without a page nobody counts.
      waited:
        start.settings.statusSocket === undefined
          ? undefined
          : (elapsedMs) => {
              this.#page?.status.waited(elapsedMs);
            },
      onError: (error) => {
        log.failure("error in an evaluation", error);
      },
      tell: (text) => {
        log.notice(text);
      },
      shared,
    };
    this.#generation = createGeneration(start.settings, this.#ports);
    this.#server = new MilterServer({
      ...start.settings,
      heldOctetsMax: heapShare(CONNECTIONS_OCTETS),
      createHandler: (transport, resume) => this.#generation.createHandler(transport, resume),
      onEvent: (event) => {
        tellServerEvent(event, log);
      },
    });
  }

  /** From the bind to the drop nothing waits, so no connection is served as root. */
  async open(account: Account | undefined, socketFd: number | undefined): Promise<void> {
    const { settings, program, starter } = this.#start;
    const { socket } = settings;
    const { handover } = starter;
    await this.#openStatus(account);
    if (socketFd === undefined) {
      const access = socketAccess(settings, account);
      this.#socket = await bindSocket((options) => this.#server.listen(options), socket, access);
    } else {
      await this.#server.listen({ fd: socketFd });
    }
    if (handover !== undefined) {
      // The PID file is written by the process that started this one.
      if (!handover.fromSystemd && socket.kind === "unix") this.#socket = adoptSocket(socket.path);
      return;
    }
    try {
      writePidFile(settings.pidFile, account, program);
    } catch (error) {
      const fatal =
        starter.isBackground || (error instanceof DaemonError && error.exitCode !== EXIT.cannotCreate);
      if (fatal) {
        this.#socket?.remove();
        this.#statusSocket?.remove();
        throw error;
      }
      this.#log.warning(error instanceof Error ? error.message : String(error));
    }
    if (account !== undefined) dropPrivileges(account);
  }

  /** Binds the socket of the status page, or takes the one that was bound; it answers once the daemon serves. */
  async #openStatus(account: Account | undefined): Promise<void> {
    const { settings, options, starter } = this.#start;
    const { statusSocket } = settings;
    if (statusSocket === undefined) return;
    this.#page = await StatusPage.create(
      {
        log: this.#log,
        server: this.#server,
        settings: () => this.#generation.settings,
        engine: () => this.#generation.engine,
        shared: this.#ports.shared,
      },
      options,
    );
    const { status } = this.#page;
    const fd = starter.handover?.statusFd;
    if (fd === undefined) {
      const access = statusAccess(settings, account);
      try {
        this.#statusSocket = await bindSocket((address) => status.listen(address), statusSocket, access);
      } catch (error) {
        // A daemon that is already running has it: that is what the operator is to read.
        refuseOccupied(settings.pidFile, this.#start.program, process.pid);
        throw error;
      }
      return;
    }
    await status.listen({ fd });
    if (statusSocket.kind === "unix") this.#statusSocket = adoptSocket(statusSocket.path);
  }

  /** Resolves with the exit code when a signal has ended the service. */
  serve(): Promise<number> {
    const { settings } = this.#generation;
    const who = `user ${ownName()}`;
    const servers = this.#generation.engine.nameservers().map(formatNameserver);
    const dry = settings.reportOnly ? ", report only" : "";
    this.#log.notice(
      `smf-spf ${VERSION} started: listening on ${formatSocket(settings.socket)}, running as ${who}, name servers ${servers.join(", ")}${dry}`,
    );
    this.#page?.status.start();
    this.#ports.shared?.start();
    this.#keepCaches();
    return new Promise((resolve) => {
      listenToSignals({
        stop: (signal) => {
          void this.#stop(signal).then(resolve);
        },
        stopNow: (signal) => {
          this.#log.warning(`${signal} again: stopped at once`);
          removePidFile(settings.pidFile);
          void this.#log.close().then(() => process.exit(EXIT.ok));
        },
        reload: () => {
          this.#reload();
        },
        report: () => {
          this.#log.reopen();
          this.#report();
          void this.#cacheFile?.save();
        },
        flush: () => {
          this.#generation.engine.flush();
          void this.#cacheFile?.forget();
          this.#log.notice("SIGUSR2: both caches are empty");
        },
      });
    });
  }

  /** Reads what the last run has left, and rewrites it from time to time. */
  #keepCaches(): void {
    const { settings, engine } = this.#generation;
    if (settings.cacheFile === undefined) return;
    const former = this.#cacheFile?.idle();
    const cacheFile = engine.cacheFile(settings.cacheFile, this.#ports.tell);
    this.#cacheFile = cacheFile;
    void cacheFile.load(former);
    this.#saver ??= setInterval(() => void this.#cacheFile?.save(), SAVE_EVERY_MS).unref();
  }

  /** Whether a signal has ended the service. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  async #stop(signal: string): Promise<number> {
    this.#isStopping = true;
    const { settings } = this.#generation;
    const { open, busy } = this.#server.statistics();
    this.#log.notice(`${signal}: stopping; ${open} connections, ${busy} with a message in progress`);
    const told = notifyStopping(process.env, { withinMs: settings.shutdownTimeMs + CLOSING_MS });
    const drained = this.#server.drain(settings.shutdownTimeMs);
    this.#socket?.remove();
    this.#page?.status.close();
    this.#statusSocket?.remove();
    await drained;
    await Promise.race([this.#cacheFile?.save(), sleep(settings.shutdownTimeMs, undefined, { ref: false })]);
    const failure = await told;
    // systemd learns of the end in any case.
    if (failure !== undefined) this.#log.message("info", failure);
    removePidFile(this.#start.settings.pidFile);
    this.#report();
    this.#ports.shared?.close();
    this.#log.notice(`smf-spf ${VERSION} stopped`);
    await this.#log.close();
    return EXIT.ok;
  }

  /** Says so where MaxConnections is more than the system allows. */
  warnOfLimits(): void {
    const reason = whyTooManyConnections(this.#generation.settings.maxConnections);
    if (reason !== undefined) this.#log.warning(reason);
  }

  /** Whole new settings, or none. */
  #reload(): void {
    // Also where the file has faults: log rotation sends this signal as well.
    this.#log.reopen();
    // A file that is gone, or just being replaced, is not meant to throw away whitelists and policy.
    const read = readSettings(this.#start.choice, { mustExist: true });
    for (const warning of read.warnings) this.#log.warning(warning);
    if (read.settings === undefined) {
      this.#page?.reloaded(undefined);
      for (const fault of read.faults) this.#log.error(fault);
      this.#log.error("reload: the configuration has faults, the old settings stay in force");
      return;
    }
    const { changed, restartNeeded } = diffSettings(this.#generation.settings, read.settings);
    try {
      this.#log.reconfigure(read.settings);
    } catch (error) {
      this.#log.error(error instanceof Error ? error.message : String(error));
      this.#page?.reloaded(undefined);
      this.#log.error("reload: the log could not be moved, the old settings stay in force");
      return;
    }
    const settings = keepUntilRestart(this.#start.settings, read.settings);
    const former = this.#generation;
    this.#generation = createGeneration(settings, this.#ports, former);
    if (this.#generation.engine !== former.engine) this.#keepCaches();
    this.#page?.reloaded(read.options);
    this.#server.setLimits(read.settings);
    if (changed.includes("MaxConnections")) this.warnOfLimits();
    const taken = changed.filter((name) => !restartNeeded.includes(name));
    const names = taken.length === 0 ? "nothing changed" : `changed: ${taken.join(", ")}`;
    this.#log.notice(`reload: new settings in force, ${names}`);
    if (restartNeeded.length > 0) {
      this.#log.warning(`reload: only a restart changes ${restartNeeded.join(", ")}`);
    }
  }

  /** Tells all counters: SIGUSR1, and the end. */
  #report(): void {
    const lines = [
      this.#traffic.counters(),
      ...this.#generation.engine.counters(),
      ...sharedCounters(this.#ports.shared),
      connectionCounters(this.#server.statistics()),
      processCounters(this.#log.lost),
    ];
    for (const line of lines) this.#log.notice(line);
  }
}

/** The name of the user that this process is, or the number where it has none. */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return `${process.getuid?.() ?? "?"}`;
  }
}
