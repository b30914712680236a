import { Command, Option } from "commander";
import { type Done, readArguments, usageError } from "../process/arguments.ts";

/** What the command line asks for. */
export type CommandLine =
  | {
      readonly kind: "run" | "check-config";
      /** `-f`: stay in the foreground, whatever Daemonize says. */
      readonly foreground: boolean;
      /** The file named with `-c`. */
      readonly config: string | undefined;
      /** `-n`: as ReportOnly on. */
      readonly dryRun: boolean;
    }
  | {
      readonly kind: "show-config";
      readonly config: string | undefined;
      readonly dryRun: boolean;
      /** Only what differs from the default. */
      readonly changed: boolean;
    }
  | {
      readonly kind: "migrate";
      /** An old smf-spf.conf, or a control directory of qmail. */
      readonly path: string;
      readonly tcprules: string | undefined;
    }
  | {
      readonly kind: "status";
      readonly config: string | undefined;
      readonly dryRun: boolean;
      readonly json: boolean;
    }
  | Done;

interface Options {
  readonly foreground?: boolean;
  readonly config?: string;
  readonly checkConfig?: boolean;
  readonly dryRun?: boolean;
  readonly showConfig?: true | string;
  readonly migrate?: string;
  readonly tcprules?: string;
  readonly status?: true | string;
}

/** The options, for the parser, the help and the completion of the shells. */
export function makeCommand(version: string, defaultConfig: string): Command {
  return new Command("smf-spf")
    .description("A milter for Sendmail and Postfix that checks SPF (RFC 7208) on every message")
    .option("-f, --foreground", "stay in the foreground, whatever Daemonize says")
    .option("-c, --config <file>", `read this configuration file (default: ${defaultConfig})`)
    .option("-t, --check-config", "check the configuration, print every fault, start nothing")
    .option("-n, --dry-run", "refuse, tag and quarantine nothing, only log it (ReportOnly on)")
    .addOption(
      new Option(
        "--show-config [changed]",
        "print every option, or those changed, and where its value comes from",
      ).choices(["changed"]),
    )
    .option("--migrate <path>", "print a new smf-spf.conf from an old one, or from a qmail control directory")
    .option("--tcprules <file>", "with --migrate: tcpserver rules to convert")
    .addOption(
      new Option(
        "--status [json]",
        "print what the daemon serves at StatusSocket, as text or as JSON",
      ).choices(["json"]),
    )
    .version(`smf-spf ${version}`, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help");
}

/** Reads the arguments after the program's name. */
export function parseCommandLine(
  args: readonly string[],
  { version, defaultConfig }: { readonly version: string; readonly defaultConfig: string },
): CommandLine {
  const command = makeCommand(version, defaultConfig).allowExcessArguments(true);
  const done = readArguments(command, args);
  if (done !== undefined) return done;
  const options = command.opts<Options>();
  const [extra] = command.args;
  if (extra !== undefined) {
    const asked = options.checkConfig === true ? " -t" : "";
    return usageError(
      command,
      `unexpected argument "${extra}"; name the file with -c: smf-spf${asked} -c ${extra}`,
    );
  }
  if (options.config === "") {
    return usageError(command, "-c needs the name of a file");
  }
  if (options.migrate !== undefined) {
    return { kind: "migrate", path: options.migrate, tcprules: options.tcprules };
  }
  if (options.tcprules !== undefined) {
    return usageError(command, "--tcprules needs --migrate DIRECTORY");
  }
  if (options.showConfig !== undefined) {
    return {
      kind: "show-config",
      config: options.config,
      dryRun: options.dryRun === true,
      changed: options.showConfig === "changed",
    };
  }
  if (options.status !== undefined) {
    return {
      kind: "status",
      config: options.config,
      dryRun: options.dryRun === true,
      json: options.status === "json",
    };
  }
  return {
    kind: options.checkConfig === true ? "check-config" : "run",
    foreground: options.foreground === true,
    config: options.config,
    dryRun: options.dryRun === true,
  };
}
