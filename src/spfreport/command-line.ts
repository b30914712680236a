import { Command, InvalidArgumentError, Option } from "commander";
import { isMultiLabelDomain, type Network, octetsOfText, parseNetwork, toALabels } from "../address/index.ts";
import { type Nameserver, parseNameserver } from "../dns/index.ts";
import { type Done, readArguments, usageError } from "../process/arguments.ts";
import type { Period } from "./read-log.ts";

export const FORMATS = ["text", "html", "json", "csv"] as const;
export type Format = (typeof FORMATS)[number];

/** What the command line asks for. */
export interface Request {
  readonly kind: "report";
  /** Empty: standard input, or the journal. */
  readonly files: readonly string[];
  readonly journal: boolean;
  readonly period: Period;
  /** The file named with `-c`. */
  readonly config: string | undefined;
  readonly networks: readonly Network[];
  readonly domains: readonly string[];
  readonly detail: number;
  readonly problemsFirst: boolean;
  /** `Option=value`, as given. */
  readonly whatIf: readonly string[];
  readonly suggest: boolean;
  readonly dns: boolean;
  /** Empty: the servers of resolv.conf. */
  readonly nameservers: readonly Nameserver[];
  readonly format: Format;
  readonly output: string | undefined;
  readonly quiet: boolean;
}

const HELP_WIDTH = 80;
const DETAIL_MAX = 100_000;

interface Options {
  readonly date?: readonly [number, number];
  readonly since?: number;
  readonly until?: number;
  readonly config?: string;
  readonly local?: readonly Local[];
  readonly detail: number;
  readonly problemsFirst?: boolean;
  readonly whatIf?: readonly string[];
  readonly suggest?: boolean;
  readonly dns: boolean;
  readonly nameserver?: Request["nameservers"];
  readonly format: Format;
  readonly output?: string;
  readonly quiet?: boolean;
  readonly journal?: boolean;
}

/** The options, for the parser, the help and the test of the man page. */
export function makeCommand(version: string, nowMs: number): Command {
  return new Command("spfreport")
    .usage("[OPTIONS] [FILE...]")
    .description(
      "What the maillog says about SPF: what was or would be refused, whose it was, and\nwhich line of smf-spf.conf corrects it. Reads standard input without FILE.",
    )
    .argument("[FILE...]")
    .option("-d, --date <day>", "look at today, yesterday or YYYY-MM-DD only", dayArgument(nowMs))
    .option("--since <time>", 'from this time on: "YYYY-MM-DD[ HH:MM[:SS]]"', timeArgument(nowMs))
    .option("--until <time>", "before this time", timeArgument(nowMs))
    .option("--journal", "read the systemd journal (journalctl -t smf-spf)")
    .option("-c, --config <file>", "smf-spf.conf, to know what is exempt already", nonEmpty)
    .option("--local <net|domain>", "what is yours (repeatable)", collect(localArgument))
    .option("--detail <n>", "rows of each table, 0 for none", countArgument, 10)
    .option("--problems-first", "what is wrong before the totals")
    .option("--what-if <option=value>", "what that would change (repeatable)", collect(settingArgument))
    .option("--suggest", "only the lines for smf-spf.conf, and why")
    .option("--no-dns", "do not ask DNS about the names of clients")
    .option("--nameserver <addr[:port]>", "ask this server (repeatable)", collect(serverArgument))
    .addOption(
      new Option("--format <format>", "text, html, json or csv")
        .argParser(formatArgument)
        .default("text", "text"),
    )
    .option("-o, --output <file>", "write to this file", nonEmpty)
    .option("-q, --quiet", "silent when nothing was or would be refused")
    .version(`spfreport (smf-spf) ${version}`, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .configureHelp({ helpWidth: HELP_WIDTH, visibleArguments: () => [] });
}

/** Reads the arguments after the program's name. */
export function parseCommandLine(args: readonly string[], version: string, nowMs: number): Request | Done {
  const command = makeCommand(version, nowMs).configureOutput({
    getOutHelpWidth: () => HELP_WIDTH,
    getErrHelpWidth: () => HELP_WIDTH,
  });
  const done = readArguments(command, args);
  if (done !== undefined) return done;
  const options = command.opts<Options>();
  const fault = contradiction(options, command.args);
  return fault !== undefined ? usageError(command, fault) : requestOf(options, command.args);
}

function contradiction(options: Options, files: readonly string[]): string | undefined {
  if (options.date !== undefined && (options.since !== undefined || options.until !== undefined)) {
    return "use either --date, or --since and --until";
  }
  if (options.since !== undefined && options.until !== undefined && options.since >= options.until) {
    return "--since must be earlier than --until";
  }
  if (options.journal === true && files.length > 0) return "--journal cannot be used with files";
  if (options.suggest === true && options.format !== "text") return "--suggest is text only";
  return undefined;
}

function requestOf(options: Options, files: readonly string[]): Request {
  const { date, since, until, local = [] } = options;
  return {
    kind: "report",
    files,
    journal: options.journal === true,
    period: {
      since: date?.[0] ?? since ?? Number.NEGATIVE_INFINITY,
      until: date?.[1] ?? until ?? Number.POSITIVE_INFINITY,
    },
    config: options.config,
    networks: local.flatMap((one) => ("network" in one ? [one.network] : [])),
    domains: local.flatMap((one) => ("domain" in one ? [one.domain] : [])),
    detail: options.detail,
    problemsFirst: options.problemsFirst === true,
    whatIf: options.whatIf ?? [],
    suggest: options.suggest === true,
    dns: options.dns,
    nameservers: options.nameserver ?? [],
    format: options.format,
    output: options.output,
    quiet: options.quiet === true,
  };
}

type Local = { readonly network: Network } | { readonly domain: string };

function formatArgument(text: string): Format {
  const format = FORMATS.find((known) => known === text.toLowerCase());
  if (format === undefined) throw new InvalidArgumentError("Expected text, html, json or csv.");
  return format;
}

function collect<T>(read: (text: string) => T) {
  return (text: string, before: readonly T[] | undefined): T[] => [...(before ?? []), read(text)];
}

function dayArgument(nowMs: number) {
  return (text: string): readonly [number, number] => {
    const day = readDay(text, nowMs);
    if (day === undefined) throw new InvalidArgumentError("Expected today, yesterday or YYYY-MM-DD.");
    return day;
  };
}

function timeArgument(nowMs: number) {
  return (text: string): number => {
    const time = readTime(text, nowMs);
    if (time === undefined)
      throw new InvalidArgumentError('Expected "YYYY-MM-DD" or "YYYY-MM-DD HH:MM[:SS]".');
    return time;
  };
}

function localArgument(text: string): Local {
  const network = parseNetwork(text);
  if (network !== undefined) return { network: network.network };
  const domain = toALabels(octetsOfText(text.replace(/^[@.]/, "").replace(/\.$/, "")))?.toLowerCase();
  if (domain === undefined || text.includes("/") || !isMultiLabelDomain(domain)) {
    throw new InvalidArgumentError("Expected a network such as 192.0.2.0/24, or a domain.");
  }
  return { domain };
}

function countArgument(text: string): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) > DETAIL_MAX) {
    throw new InvalidArgumentError(`Expected a number from 0 to ${DETAIL_MAX}.`);
  }
  return Number(text);
}

function settingArgument(text: string): string {
  if (!/^[A-Za-z]+=[^\r\n]*$/.test(text)) throw new InvalidArgumentError("Expected Option=value.");
  return text;
}

function nonEmpty(text: string): string {
  if (text === "") throw new InvalidArgumentError("Expected a file name.");
  return text;
}

function serverArgument(text: string): Nameserver {
  const server = parseNameserver(text);
  if (server === undefined) throw new InvalidArgumentError("Expected ADDR, ADDR:PORT or [IPV6]:PORT.");
  return server;
}

const TIME_FORM = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?$/;

/**
 * A time of the command line, local: `today`, `yesterday`, `YYYY-MM-DD`, `YYYY-MM-DD HH:MM[:SS]`. Milliseconds since
 * 1970, or undefined where it is none of them.
 */
function readTime(text: string, nowMs: number): number | undefined {
  const word = text.trim().toLowerCase();
  if (word === "today" || word === "yesterday") {
    const [start] = dayOf(nowMs, word === "today" ? 0 : -1);
    return start;
  }
  const match = TIME_FORM.exec(text.trim());
  if (match === null) return undefined;
  const fields = match.slice(1).map((part: string | undefined) => Number(part ?? 0));
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(year, month - 1, day);
  // A Date takes the 31st of June for the 1st of July, and the year 26 for 1926.
  if (date.getFullYear() !== year || date.getMonth() !== month - 1 || date.getDate() !== day)
    return undefined;
  return new Date(year, month - 1, day, hour, minute, second).getTime();
}

/** The day that a word or date of the command line names, from its beginning to the next day's. */
function readDay(text: string, nowMs: number): readonly [since: number, until: number] | undefined {
  if (/[ T]\d/.test(text.trim())) return undefined;
  const start = readTime(text, nowMs);
  return start === undefined ? undefined : dayOf(start, 0);
}

/** Days are 23 or 25 hours long where the clock is changed. */
function dayOf(timeMs: number, offset: number): readonly [since: number, until: number] {
  const time = new Date(timeMs);
  const at = (days: number): number =>
    new Date(time.getFullYear(), time.getMonth(), time.getDate() + days).getTime();
  return [at(offset), at(offset + 1)];
}
