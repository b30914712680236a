/** Composition root of spfreport: arguments → log lines → tally → suggestions → report. */
import "../process/no-debugger.ts";
import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { formatFault, parseConfig, type Settings } from "../config/index.ts";
import { limitHeapGrowth } from "../node-tuning.ts";
import { EXIT, watchOutput } from "../process/index.ts";
import { VERSION } from "../smf-spf/version.ts";
import { styleFor } from "../spfquery/layout.ts";
import { askDns } from "./ask-dns.ts";
import { parseCommandLine, type Request } from "./command-line.ts";
import { csvReport, jsonReport } from "./data-report.ts";
import { htmlReport } from "./html-report.ts";
import { MessageJoiner } from "./messages.ts";
import type { Ours } from "./names.ts";
import { Lines, LogReader } from "./read-log.ts";
import { isRefusedUnder, withoutNat } from "./replay.ts";
import { isAnythingRefused, makeReport, type Report, type WhatIf } from "./report.ts";
import { fileSources, journal, reasonOf, type Source, standardInput } from "./sources.ts";
import { type Answer, findCandidates, questionsFor, suggest } from "./suggest.ts";
import { Tally } from "./tally.ts";
import { suggestionLines, textReport } from "./text-report.ts";
import { grouped } from "./words.ts";

const HEAP_GROWTH_PERCENT = 40;

const flushed = watchOutput();
limitHeapGrowth(HEAP_GROWTH_PERCENT);
/** Clients that are asked about for a TrustedForwarder of --what-if. */
const WHAT_IF_CLIENTS_MAX = 200;

/** One run: what is asked for, and what has become of it so far. */
class Run {
  readonly #request: Request;
  readonly #settings: Settings;
  readonly #whatIf: Settings | undefined;
  readonly #ours: Ours;
  readonly #tally: Tally;
  readonly #joiner: MessageJoiner;
  readonly #reader: LogReader;
  readonly #progress = new Progress();
  readonly #nowMs = Date.now();
  #exitCode: number = EXIT.ok;

  constructor(request: Request, settings: Settings, whatIf: Settings | undefined) {
    this.#request = request;
    this.#settings = settings;
    this.#whatIf = whatIf;
    this.#ours = {
      networks: request.networks,
      domains: request.domains,
      exempt: [...settings.whitelistIP, ...settings.trustedRelay],
    };
    const now = withoutNat(settings);
    const then = whatIf === undefined ? undefined : withoutNat(whatIf);
    this.#tally = new Tally(this.#ours, {
      refusedByDefault: (message) => isRefusedUnder(now, message, false),
      refusedIf: then === undefined ? undefined : (message, was) => isRefusedUnder(then, message, was),
    });
    this.#joiner = new MessageJoiner((message) => {
      this.#tally.message(message);
    }, settings.checkHelo);
    this.#reader = new LogReader(this.#tally, this.#joiner, request.period, this.#nowMs);
  }

  async run(): Promise<number> {
    for (const source of this.#sources()) await this.#read(source);
    this.#joiner.end();
    const report = await this.#report();
    this.#progress.end();
    if (this.#request.quiet && !isAnythingRefused(report)) return this.#exitCode;
    this.#write(this.#format(report));
    return this.#request.quiet && this.#exitCode === EXIT.ok ? 1 : this.#exitCode;
  }

  #sources(): Source[] {
    if (this.#request.journal) return [journal(this.#nowMs, this.#request.period.since)];
    if (this.#request.files.length > 0) {
      return fileSources(this.#request.files, this.#nowMs, (name, reason) => {
        this.#fail(EXIT.noInput, `${name}: ${reason}`);
      });
    }
    if (process.stdin.isTTY) tell("reading standard input; name a log file, or end with Ctrl-D");
    return [standardInput(this.#nowMs)];
  }

  async #read(source: Source): Promise<void> {
    this.#reader.begin(source.writtenMs, source.name);
    const lines = new Lines((line) => {
      this.#reader.line(line);
    });
    try {
      const chunks = source.open((octets) => {
        this.#progress.reading(source, octets, this.#reader.counts.read);
      });
      for await (const chunk of chunks) lines.chunk(chunk.toString("latin1"));
    } catch (error) {
      this.#fail(EXIT.noInput, `${source.name}: ${reasonOf(error)}`);
    }
    lines.end();
  }

  async #report(): Promise<Report> {
    const candidates = findCandidates(this.#tally, this.#settings);
    const questions = questionsFor(candidates);
    const answers = this.#request.dns ? await this.#ask(questions) : undefined;
    const suggestions = suggest(candidates, answers, this.#settings, this.#ours);
    return makeReport(this.#tally, {
      lines: this.#reader.counts,
      ours: this.#ours,
      suggestions,
      dnsAsked: questions.length === 0 ? "nothing to ask" : this.#request.dns ? "asked" : "not asked",
      whatIf: await this.#ifSettings(),
      detail: this.#request.detail,
    });
  }

  /** A TrustedForwarder that --what-if names spares the clients that get SPF pass for it. */
  async #ifSettings(): Promise<WhatIf | undefined> {
    if (this.#whatIf === undefined) return undefined;
    const { was, ...then } = this.#tally.whatIf;
    let { refused, added, removed } = then;
    const known = this.#settings.trustedForwarder;
    const domains = this.#whatIf.trustedForwarder.filter((domain) => !known.includes(domain));
    if (domains.length > 0 && this.#request.dns) {
      const clients = [...this.#tally.clients.values()]
        .filter(({ ifRefused }) => ifRefused > 0)
        .sort((a, b) => b.ifRefused - a.ifRefused)
        .slice(0, WHAT_IF_CLIENTS_MAX);
      const answers = await this.#ask(clients.map(({ ip, helo }) => ({ ip, helo, domains })));
      for (const { ip, ifRefused, ifAdded } of clients) {
        if (answers.get(ip)?.some(({ result }) => result === "pass") !== true) continue;
        refused -= ifRefused;
        added -= ifAdded;
        removed += ifRefused - ifAdded;
      }
    }
    return { settings: this.#request.whatIf, was, refused, added, removed };
  }

  #ask(questions: Parameters<typeof askDns>[0]): Promise<ReadonlyMap<string, readonly Answer[]>> {
    if (questions.length === 0) return Promise.resolve(new Map());
    const { lookupLimit, voidLookupLimit } = this.#settings;
    return askDns(questions, {
      nameservers: this.#request.nameservers,
      lookupLimit,
      voidLookupLimit,
      receiver: hostname(),
      onProgress: (done, all) => {
        this.#progress.asking(done, all);
      },
    });
  }

  #format(report: Report): string {
    const { format, suggest: linesOnly, problemsFirst, output } = this.#request;
    if (linesOnly) return suggestionLines(report);
    switch (format) {
      case "json":
        return jsonReport(report);
      case "csv":
        return csvReport(report);
      case "html":
        return htmlReport(report, { version: VERSION, problemsFirst });
      case "text": {
        const { isTTY, columns } = process.stdout;
        const style = styleFor({ isTTY, columns }, process.env, output === undefined ? "auto" : "never");
        return textReport(report, { ...style, problemsFirst });
      }
    }
  }

  #write(text: string): void {
    const { output } = this.#request;
    if (output === undefined) {
      process.stdout.write(text);
      return;
    }
    try {
      writeFileSync(output, text);
    } catch (error) {
      this.#fail(EXIT.cannotCreate, `${output}: ${reasonOf(error)}`);
    }
  }

  #fail(exitCode: number, message: string): void {
    this.#progress.end();
    tell(message);
    this.#exitCode = exitCode;
  }
}

const PROGRESS_MS = 200;

/** Shows on a terminal how far long work has come; elsewhere it is silent. */
class Progress {
  readonly #isShown = process.stderr.isTTY;
  #nextMs = performance.now() + PROGRESS_MS;
  #isDrawn = false;

  /** A log is being read: how many octets of it, and how many lines of all logs. */
  reading({ name, size }: Pick<Source, "name" | "size">, octets: number, lines: number): void {
    const share = size === undefined || size === 0 ? "" : ` ${Math.floor((100 * octets) / size)} %`;
    this.#draw(() => `${name}${share}, ${grouped(lines)} lines`);
  }

  asking(done: number, all: number): void {
    this.#draw(() => `asking DNS, ${done} of ${all}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isDrawn) process.stderr.write("\r\x1b[K");
    this.#isDrawn = false;
  }

  #draw(text: () => string): void {
    if (!this.#isShown || performance.now() < this.#nextMs) return;
    this.#nextMs = performance.now() + PROGRESS_MS;
    process.stderr.write(
      `\r\x1b[K${text()
        .replace(/[^\x20-\x7e]/g, "?")
        .slice(0, 78)}`,
    );
    this.#isDrawn = true;
  }
}

/** The settings of a file, those of --what-if, or why there are none. */
type Configuration =
  | { readonly settings: Settings; readonly whatIf: Settings | undefined }
  | { readonly exitCode: 64 | 66 | 78; readonly problems: readonly string[] };

/**
 * Reads smf-spf.conf; without one the defaults are in force. The environment of the daemon is not ours.
 *
 * @param overrides `Option=value`, as if they stood at the end of the file
 */
function readConfiguration(file: string | undefined, overrides: readonly string[]): Configuration {
  let text = "";
  if (file !== undefined) {
    const content = readText(file);
    if ("problem" in content) return { exitCode: 66, problems: [`${file}: ${content.problem}`] };
    ({ text } = content);
  }
  const sources = { file: file ?? "defaults", env: {}, readList: readText };
  const base = parseConfig(text, sources);
  if (base.settings === undefined) return { exitCode: 78, problems: base.faults.map(formatFault) };
  if (overrides.length === 0) return { settings: base.settings, whatIf: undefined };
  const lines = overrides.map((override) => override.replace("=", " "));
  const changed = parseConfig(`${text}\n${lines.join("\n")}\n`, sources);
  const unknown = changed.unknown.slice(base.unknown.length);
  if (changed.settings === undefined || unknown.length > 0) {
    const faults = [...changed.faults, ...unknown].map(
      ({ option, reason }) => `--what-if ${option}: ${reason}`,
    );
    return { exitCode: 64, problems: faults };
  }
  return { settings: base.settings, whatIf: changed.settings };
}

function readText(path: string): { readonly text: string } | { readonly problem: string } {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}

function tell(message: string): void {
  process.stderr.write(`spfreport: ${message}\n`);
}

async function main(args: readonly string[]): Promise<number> {
  const request = parseCommandLine(args, VERSION, Date.now());
  if (request.kind === "done") {
    process.stdout.write(request.output);
    process.stderr.write(request.errors);
    return request.exitCode;
  }
  const configuration = readConfiguration(request.config, request.whatIf);
  if ("problems" in configuration) {
    for (const problem of configuration.problems) tell(problem);
    return configuration.exitCode;
  }
  return await new Run(request, configuration.settings, configuration.whatIf).run();
}

async function end(exitCode: number): Promise<void> {
  const failure = await flushed();
  if (failure === undefined) process.exit(exitCode);
  tell(`cannot write the output: ${reasonOf(failure)}`);
  await flushed();
  process.exit(EXIT.ioError);
}

void main(process.argv.slice(2)).then(end);
