/** smf-spf: what the command line asks for, and an end that waits until everything is written. */
import "./early.ts";
import { DEFAULT_CONFIG_FILE } from "../config/index.ts";
import { EXIT, endOnSignals, findStarter, systemReason, watchOutput } from "../process/index.ts";
import { parseCommandLine } from "./command-line.ts";
import { checkConfig, showConfigOf } from "./config-check.ts";
import { migrate } from "./migrate.ts";
import { showStatus } from "./show-status.ts";
import { start } from "./start.ts";
import { VERSION } from "./version.ts";

/** A daemon that is to stop must not wait for the reader of its standard error. */
const DAEMON_PATIENCE_MS = 2_000;

const flushed = watchOutput();
/** How long the end waits for a slow reader of the output: without limit where somebody pages through it. */
let patienceMs = Infinity;

async function main(): Promise<number> {
  const commandLine = parseCommandLine(process.argv.slice(2), {
    version: VERSION,
    defaultConfig: DEFAULT_CONFIG_FILE,
  });
  if (commandLine.kind === "run") {
    patienceMs = DAEMON_PATIENCE_MS;
    return start(commandLine, findStarter());
  }
  endOnSignals();
  switch (commandLine.kind) {
    case "done":
      process.stdout.write(commandLine.output);
      process.stderr.write(commandLine.errors);
      return commandLine.exitCode;
    case "check-config": {
      const { lines, exitCode } = checkConfig(commandLine);
      for (const line of lines) process.stdout.write(`${line}\n`);
      return exitCode;
    }
    case "status": {
      const { lines, problems, exitCode } = await showStatus(commandLine, commandLine);
      for (const line of problems) process.stderr.write(`smf-spf: ${line}\n`);
      for (const line of lines) process.stdout.write(`${line}\n`);
      return exitCode;
    }
    case "show-config":
    case "migrate": {
      const { lines, problems, exitCode } =
        commandLine.kind === "migrate"
          ? migrate(commandLine.path, commandLine.tcprules)
          : showConfigOf(commandLine, commandLine);
      for (const line of problems) process.stderr.write(`smf-spf: ${line}\n`);
      for (const line of lines) process.stdout.write(`${line}\n`);
      return exitCode;
    }
  }
}

async function end(exitCode: number): Promise<void> {
  if (patienceMs < Infinity) setTimeout(() => process.exit(exitCode), patienceMs);
  const failure = await flushed();
  if (failure === undefined) process.exit(exitCode);
  process.stderr.write(`smf-spf: cannot write the output: ${systemReason(failure)}\n`);
  await flushed();
  process.exit(EXIT.ioError);
}

void main()
  .catch((error: unknown) => {
    process.stderr.write(
      `smf-spf: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return EXIT.software;
  })
  .then(end);
