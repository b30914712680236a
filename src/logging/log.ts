import type { FilterEvent } from "../filter/index.ts";
import { boundedLine, eventLines, JsonLines, levelOf, printableText, type TextFormat } from "./event-line.ts";
import { FileSink, type LogOwner, openLogFile, openStandardStream } from "./file-sink.ts";
import { isWanted, type LogLevel, SEVERITY, type Sink } from "./sink.ts";
import { isJournal, type SyslogFacility, SyslogSink } from "./syslog-sink.ts";

const PROGRAM = "smf-spf";
/** Stacks remembered, so that each is written once. */
const STACKS_MAX = 100;
const STACK_LINES_MAX = 30;
const HOST_OCTETS_MAX = 63;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** What the operator set. */
export interface LogSettings {
  readonly syslog: SyslogFacility | "none";
  readonly logTo: string | undefined;
  readonly logFormat: TextFormat | "json";
  readonly logLevel: LogLevel;
}

/** What a log takes from its surroundings. */
export interface LogOptions {
  readonly hostname: string;
  readonly pid: number;
  readonly now: () => Date;
  /** The owner of a LogTo file that root creates. */
  readonly owner?: LogOwner | undefined;
  /** The open file of LogTo, where somebody else has opened it; for the first time only. */
  readonly logFd?: number | undefined;
  /** JOURNAL_STREAM of the environment: what is for syslog then goes to standard error, with a priority. */
  readonly journalStream?: string | undefined;
  /** Another program for logger(1). */
  readonly loggerCommand?: string | undefined;
}

/**
 * The daemon's log. Nothing that it does blocks or throws, but {@link Log.constructor} and
 * {@link Log.reconfigure} where LogTo cannot be opened.
 */
export class Log {
  readonly #options: LogOptions;
  readonly #json: JsonLines;
  readonly #stacks = new Set<string>();
  #settings: LogSettings;
  #sinks: readonly Sink[];
  #started = false;
  #logFd: number | undefined;
  /** Kept as long as the process: every reload would open another one. */
  readonly #standardFds = new Map<1 | 2, number>();

  /** @throws an error that names LogTo's file and the reason */
  constructor(settings: LogSettings, options: LogOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#logFd = options.logFd;
    this.#json = new JsonLines(options.now);
    this.#sinks = this.#open(settings);
  }

  /** Starts the helpers. Not before the privileges are dropped: they keep what they are born with. */
  start(): void {
    this.#started = true;
    for (const sink of this.#sinks) sink.start();
  }

  /** Puts new settings in force, or none of them. @throws as the constructor */
  reconfigure(settings: LogSettings): void {
    const old = this.#settings;
    if (
      settings.syslog === old.syslog &&
      settings.logTo === old.logTo &&
      (settings.logFormat === "json") === (old.logFormat === "json")
    ) {
      this.#settings = settings;
      return;
    }
    const sinks = this.#open(settings);
    const former = this.#sinks;
    this.#settings = settings;
    this.#sinks = sinks;
    if (this.#started) for (const sink of sinks) sink.start();
    for (const sink of former) void sink.close();
  }

  /** Reopens LogTo, after its file was rotated; a failure keeps the old one and is logged. */
  reopen(): void {
    for (const sink of this.#sinks) {
      const failure = sink.reopen();
      if (failure !== undefined) this.warning(`${failure}; still writing to the old file`);
    }
  }

  /** Lines lost and not reported yet, for the counters. */
  get lost(): number {
    return this.#sinks.reduce((sum, sink) => sum + sink.lost, 0);
  }

  /** All lines lost since the sinks in use were made. */
  get lostInAll(): Record<Sink["kind"], number> {
    const lost = { syslog: 0, file: 0 };
    for (const sink of this.#sinks) lost[sink.kind] += sink.lostInAll;
    return lost;
  }

  /** Writes what is waiting, for some seconds at most. */
  async close(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.close()));
  }

  /** An event of the filter. */
  readonly report = (event: FilterEvent): void => {
    const level = levelOf(event);
    if (!isWanted(level, this.#settings.logLevel)) return;
    const format = this.#settings.logFormat;
    const lines = format === "json" ? this.#json.events(event) : eventLines(event, format);
    for (const line of lines) this.#write(level, line);
  };

  error(text: string): void {
    this.message("error", text);
  }

  warning(text: string): void {
    this.message("warning", text);
  }

  notice(text: string): void {
    this.message("notice", text);
  }

  /** A message of the daemon itself; a line end in it does not end the line. */
  message(level: LogLevel, text: string): void {
    if (!isWanted(level, this.#settings.logLevel)) return;
    this.#write(level, this.#formatOwn(level, text));
  }

  /** A defect: what happened, and the stack, a line each, the first time that it is seen. */
  failure(what: string, error: unknown): void {
    this.error(`${what}: ${String(error)}`);
    const stack = error instanceof Error ? error.stack : undefined;
    if (stack === undefined || this.#stacks.has(stack) || this.#stacks.size >= STACKS_MAX) return;
    this.#stacks.add(stack);
    const frames = stack.split("\n").filter((line) => line.startsWith("    at "));
    for (const frame of frames.slice(0, STACK_LINES_MAX)) this.error(frame.trim());
  }

  readonly #formatOwn = (level: LogLevel, text: string): string =>
    this.#settings.logFormat === "json" ? this.#json.message(level, text) : boundedLine(printableText(text));

  #write(level: LogLevel, line: string): void {
    for (const sink of this.#sinks) sink.write(level, line);
  }

  #open(settings: LogSettings): Sink[] {
    const sinks: Sink[] = [];
    const formatOwn = this.#formatOwn;
    // First what can fail.
    if (settings.logTo !== undefined)
      sinks.push(this.#openFile(settings.logTo, settings.logFormat === "json"));
    if (settings.syslog === "none") return sinks;
    if (isJournal(this.#options.journalStream)) {
      sinks.push(
        new FileSink({
          kind: "syslog",
          open: () => 2,
          owned: false,
          head: (level) => `<${SEVERITY[level]}>`,
          formatOwn,
        }),
      );
    } else {
      const command = this.#options.loggerCommand;
      sinks.push(
        new SyslogSink({
          facility: settings.syslog,
          ident: this.#ident,
          formatOwn,
          ...(command === undefined ? {} : { command }),
        }),
      );
    }
    return sinks;
  }

  #openFile(path: string, json: boolean): Sink {
    const head = json ? () => "" : syslogHead(this.#options.hostname, this.#ident, this.#options.now);
    const formatOwn = this.#formatOwn;
    const standard = path === "/dev/stdout" ? 1 : path === "/dev/stderr" ? 2 : undefined;
    if (standard !== undefined) {
      const fd = this.#standardFds.get(standard) ?? openStandardStream(standard);
      this.#standardFds.set(standard, fd);
      return new FileSink({ open: () => fd, owned: false, head, formatOwn });
    }
    const open = (): number => {
      const fd = this.#logFd ?? openLogFile(path, this.#options.owner);
      this.#logFd = undefined;
      return fd;
    };
    return new FileSink({ open, owned: true, head, formatOwn });
  }

  get #ident(): string {
    return `${PROGRAM}[${this.#options.pid}]`;
  }
}

/**
 * A function that writes the head of a line as syslog does, in local time: `Nov 22 03:18:00 host smf-spf[7]: `.
 * It is made once a second.
 */
export function syslogHead(host: string, ident: string, now: () => Date): () => string {
  const name = (host.split(".", 1)[0] ?? host).slice(0, HOST_OCTETS_MAX);
  let second = Number.NaN;
  let head = "";
  return () => {
    const time = now();
    const current = Math.floor(time.getTime() / 1000);
    if (current !== second) {
      second = current;
      head = `${timestamp(time)} ${name} ${ident}: `;
    }
    return head;
  };
}

function timestamp(time: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  const month = MONTHS[time.getMonth()] ?? "";
  const day = String(time.getDate()).padStart(2, " ");
  return `${month} ${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
