/** Composition root of smf-spf: arguments → settings → bind → drop privileges → serve → drain. */
import { DEFAULT_CONFIG_FILE } from "./config/index.ts";
import {
  type CommandLine,
  DaemonError,
  EXIT,
  findStarter,
  inheritedSocket,
  parseCommandLine,
  type Starter,
  startInBackground,
} from "./daemon/index.ts";
import { checkConfig, configFileOf, readSettings } from "./read-settings.ts";
import { runDaemon } from "./run-daemon.ts";
import { VERSION } from "./version.ts";

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
  if (read.settings === undefined) {
    [...read.warnings, ...read.faults].forEach(complain);
    await starter.failed(read.exitCode, read.faults.join("\n"));
    return read.exitCode;
  }
  const { settings, warnings } = read;
  const supervised = inheritedSocket(process.env, process.pid) !== undefined;
  if (settings.daemonize && !commandLine.foreground && !supervised && !starter.isBackground) {
    warnings.forEach(complain);
    const outcome = await startInBackground({
      script: program,
      args: argumentsOf(choice),
      execArgv: process.execArgv,
      env: process.env,
      keepStdout: settings.logTo === "/dev/stdout",
      keepStderr: settings.logTo === "/dev/stderr",
    });
    if (outcome.message !== "") complain(outcome.message);
    return outcome.exitCode;
  }
  if (process.stderr.isTTY) warnings.forEach(complain);
  try {
    return await runDaemon({ settings, warnings, choice, program, starter });
  } catch (error) {
    const expected = error instanceof DaemonError;
    const message = expected ? error.message : `unexpected error: ${String(error)}`;
    const exitCode = expected ? error.exitCode : EXIT.software;
    complain(message);
    await starter.failed(exitCode, message);
    return exitCode;
  }
}

/** The command line of the process in the background. */
function argumentsOf({ config, dryRun }: { config: string | undefined; dryRun: boolean }): string[] {
  return [...(config === undefined ? [] : ["-c", config]), ...(dryRun ? ["-n"] : [])];
}

void main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(EXIT.software);
  },
);
