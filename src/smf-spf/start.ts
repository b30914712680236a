/** From the command line to a daemon: in this process, in one in the background, or in one that never was root. */
import type { Settings } from "../config/index.ts";
import { isJournal, isSyslogReachable } from "../logging/index.ts";
import {
  canDropPrivileges,
  DaemonError,
  EXIT,
  inheritedSocket,
  isRoot,
  type Starter,
  type StartOutcome,
  startInBackground,
} from "../process/index.ts";
import { type ConfigChoice, configFileOf, readSettings } from "./config-check.ts";
import { runDaemon } from "./daemon.ts";
import { startAsUser } from "./privileged-start.ts";

/** What the command line asks of a start. */
export interface StartRequest extends ConfigChoice {
  readonly foreground: boolean;
}

const complain = (line: string): void => {
  process.stderr.write(`smf-spf: ${line}\n`);
};

/** Starts a daemon, or becomes it. Resolves with the exit code of this process, never with an exception for a fault. */
export async function start(request: StartRequest, starter: Starter): Promise<number> {
  const program = process.argv[1] ?? "smf-spf";
  // A full path: the daemon reads the file again on reload, from another directory.
  const choice = {
    config: request.config === undefined ? undefined : configFileOf(request),
    dryRun: request.dryRun,
  };
  const complainAll = (lines: readonly string[]): void => {
    // The process in the background tells the one that started it, which has a terminal.
    if (!starter.isBackground) lines.forEach(complain);
  };
  const read = readSettings(choice);
  if (read.settings === undefined) {
    complainAll([...read.warnings, ...read.faults]);
    await starter.failed(read.exitCode, read.faults.join("\n"));
    return read.exitCode;
  }
  const { settings, options, warnings, files } = read;
  try {
    const another = starter.isBackground ? undefined : anotherProcess(settings, choice, request.foreground);
    if (another === undefined) {
      // The log gets them as well, where there is one.
      if (process.stderr.isTTY || !isLogging(settings)) complainAll(warnings);
      return await runDaemon({ settings, options, warnings, files, choice, program, starter });
    }
    // Where standard error is the journal, the daemon's log is there as well.
    if (!isJournal(process.env["JOURNAL_STREAM"]) || !isLogging(settings)) complainAll(warnings);
    const { exitCode, message, pid } = await another();
    if (message !== "") complain(message);
    else if (pid !== undefined && process.env["NOTIFY_SOCKET"] === undefined)
      process.stdout.write(`smf-spf: ${backgroundLine(settings, pid)}\n`);
    return exitCode;
  } catch (error) {
    const expected = error instanceof DaemonError;
    const message = expected ? error.message : `unexpected error: ${String(error)}`;
    const exitCode = expected ? error.exitCode : EXIT.software;
    complainAll([message]);
    await starter.failed(exitCode, message);
    return exitCode;
  }
}

/** Tells that a daemon runs, where its log is, and how to stop it. */
function backgroundLine({ syslog, logTo, reportOnly }: Settings, pid: number): string {
  const logs = [
    ...(logTo === undefined ? [] : [logTo]),
    ...(syslog === "none" ? [] : [`syslog facility ${syslog}`]),
  ];
  const log = logs.length === 0 ? "none" : logs.join(" and ");
  return `running in the background as pid ${pid}${reportOnly ? ", refusing nothing" : ""}; log: ${log}; stop it with: kill ${pid}`;
}

function isLogging({ syslog, logTo }: Settings): boolean {
  return logTo !== undefined || (syslog !== "none" && isSyslogReachable(process.env));
}

/** Starts the process that becomes the daemon; undefined where this one does. */
function anotherProcess(
  settings: Settings,
  { config, dryRun }: ConfigChoice,
  staysInForeground: boolean,
): (() => Promise<StartOutcome>) | undefined {
  const systemdSocket = inheritedSocket(process.env, process.pid);
  const foreground = staysInForeground || systemdSocket !== undefined || !settings.daemonize;
  const background = {
    script: process.argv[1] ?? "smf-spf",
    args: [...(config === undefined ? [] : ["-c", config]), ...(dryRun ? ["-n"] : [])],
    execArgv: process.execArgv,
    env: process.env,
    keepStdout: foreground || settings.logTo === "/dev/stdout",
    keepStderr: foreground || settings.logTo === "/dev/stderr",
  };
  if (!isRoot() || canDropPrivileges()) return foreground ? undefined : () => startInBackground(background);
  // systemd is told the new PID; any other supervisor would take the daemon for dead.
  if (foreground && process.env["NOTIFY_SOCKET"] === undefined) {
    throw new DaemonError(
      EXIT.osError,
      `this Node (${process.version}, libuv ${process.versions.uv}) cannot drop root privileges: start it ` +
        `without -f, or as the user: setpriv --reuid=${settings.user} --regid=${settings.user} --init-groups smf-spf -f`,
    );
  }
  return () => startAsUser({ ...background, settings, systemdSocket, warn: complain });
}
