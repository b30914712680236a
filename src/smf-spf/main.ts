/** Composition root of smf-spf: arguments → settings → bind → drop privileges → serve → drain. */
import { DEFAULT_CONFIG_FILE, type Settings } from "../config/index.ts";
import { isSyslogReachable } from "../logging/index.ts";
import {
  canDropPrivileges,
  DaemonError,
  EXIT,
  findStarter,
  inheritedSocket,
  isRoot,
  type Starter,
  type StartOutcome,
  startInBackground,
  systemReason,
} from "../process/index.ts";
import { watchOutput } from "../runtime/index.ts";
import { type CommandLine, parseCommandLine } from "./command-line.ts";
import { type ConfigChoice, checkConfig, configFileOf, readSettings } from "./config-check.ts";
import { runDaemon } from "./daemon.ts";
import { startAsUser } from "./start-as-user.ts";
import { VERSION } from "./version.ts";

const DAEMON_PATIENCE_MS = 2_000;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const complain = (line: string): void => {
  process.stderr.write(`smf-spf: ${line}\n`);
};

async function main(): Promise<number> {
  const commandLine = parseCommandLine(process.argv.slice(2), {
    version: VERSION,
    defaultConfig: DEFAULT_CONFIG_FILE,
  });
  switch (commandLine.kind) {
    case "done":
      process.stdout.write(commandLine.output);
      process.stderr.write(commandLine.errors);
      return commandLine.exitCode;
    case "check-config": {
      const { lines, exitCode } = checkConfig(commandLine);
      lines.forEach(say);
      return exitCode;
    }
    case "run":
      // A daemon that is to stop must not hang on whoever has its standard error.
      patienceMs = DAEMON_PATIENCE_MS;
      return run(commandLine, findStarter());
  }
}

async function run(
  commandLine: Extract<CommandLine, { kind: "run" | "check-config" }>,
  starter: Starter,
): Promise<number> {
  const program = process.argv[1] ?? "smf-spf";
  // A full path: the daemon reads the file again on reload, from another folder.
  const choice = {
    config: commandLine.config === undefined ? undefined : configFileOf(commandLine),
    dryRun: commandLine.dryRun,
  };
  const read = readSettings(choice);
  const complainAll = (lines: readonly string[]): void => {
    // The process in the background tells the one that started it, which has a terminal.
    if (!starter.isBackground) lines.forEach(complain);
  };
  if (read.settings === undefined) {
    complainAll([...read.warnings, ...read.faults]);
    await starter.failed(read.exitCode, read.faults.join("\n"));
    return read.exitCode;
  }
  const { settings, warnings, files } = read;
  try {
    const another = starter.isBackground
      ? undefined
      : anotherProcess(settings, choice, commandLine.foreground);
    if (another === undefined) {
      // The log gets them as well, where there is one.
      if (process.stderr.isTTY || !isLogging(settings)) complainAll(warnings);
      return await runDaemon({ settings, warnings, files, choice, program, starter });
    }
    complainAll(warnings);
    const { exitCode, message } = await another();
    if (message !== "") complain(message);
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

function isLogging({ syslog, logTo }: Settings): boolean {
  return logTo !== undefined || (syslog !== "none" && isSyslogReachable(process.env));
}

/** Starts the process that becomes the daemon; undefined where this one does. */
function anotherProcess(
  settings: Settings,
  choice: ConfigChoice,
  staysInForeground: boolean,
): (() => Promise<StartOutcome>) | undefined {
  const systemdSocket = inheritedSocket(process.env, process.pid);
  const foreground = staysInForeground || systemdSocket !== undefined || !settings.daemonize;
  const start = {
    script: process.argv[1] ?? "smf-spf",
    args: argumentsOf(choice),
    execArgv: process.execArgv,
    env: process.env,
    keepStdout: foreground || settings.logTo === "/dev/stdout",
    keepStderr: foreground || settings.logTo === "/dev/stderr",
  };
  if (!isRoot() || canDropPrivileges()) return foreground ? undefined : () => startInBackground(start);
  // systemd is told the new PID; any other supervisor would take the daemon for dead.
  if (foreground && process.env["NOTIFY_SOCKET"] === undefined) {
    throw new DaemonError(
      EXIT.osError,
      `this Node (${process.version}, libuv ${process.versions.uv}) does not let root be given up: start it ` +
        `without -f, or as the user: setpriv --reuid=${settings.user} --regid=${settings.user} --init-groups smf-spf -f`,
    );
  }
  return () => startAsUser({ ...start, settings, systemdSocket, warn: complain });
}

/** The command line of the process in the background. */
function argumentsOf({ config, dryRun }: { config: string | undefined; dryRun: boolean }): string[] {
  return [...(config === undefined ? [] : ["-c", config]), ...(dryRun ? ["-n"] : [])];
}

const flushed = watchOutput();
/** How long the end waits for a slow reader of the output; for ever where somebody reads pages of it. */
let patienceMs = Infinity;

/** Ends when all that was said has been written: a pipe may hold no more than a part of it. */
async function end(exitCode: number): Promise<void> {
  if (patienceMs < Infinity) setTimeout(() => process.exit(exitCode), patienceMs);
  const trouble = await flushed();
  if (trouble === undefined) process.exit(exitCode);
  complain(`the output cannot be written: ${systemReason(trouble)}`);
  await flushed();
  process.exit(EXIT.ioError);
}

void main()
  .catch((error: unknown) => {
    complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return EXIT.software;
  })
  .then(end);
