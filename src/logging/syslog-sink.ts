import { type ChildProcess, execFile, spawn } from "node:child_process";
import { accessSync, constants, fstatSync } from "node:fs";
import { join } from "node:path";
import {
  CLOSE_MS_MAX,
  type FormatOwn,
  LineQueue,
  type LogLevel,
  lostText,
  QUEUE_LINES_MAX,
  type QueuedLine,
  SEVERITY,
  type Sink,
  WriteBatcher,
} from "./sink.ts";

/** The facilities' numbers in RFC 5424 section 6.2.1. */
const FACILITY = {
  mail: 2,
  daemon: 3,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

/** The facilities of syslog(3) that smf-spf takes. */
export type SyslogFacility = keyof typeof FACILITY;

/** The program that hands lines to the system's log. */
const LOGGER = "logger";

/** Those that an rc script's PATH may lack. */
const DIRECTORIES = ["/usr/bin", "/bin"];

const BATCH_LINES_MAX = 64;
/** util-linux's logger splits longer lines; ours stay far below with their prefix. */
const LOGGER_SIZE = "8192";

/** What the way to syslog needs. */
export interface SyslogOptions {
  readonly facility: SyslogFacility;
  /** `smf-spf[pid]` */
  readonly ident: string;
  readonly formatOwn: FormatOwn;
  /** The logger program, found on PATH, /usr/bin and /bin. */
  readonly command?: string;
  /** The first wait before a dead logger is started again; doubled each time up to the second. */
  readonly restartMs?: readonly [number, number];
  /** How long a new logger must live before lines are trusted to it: without /dev/log it dies at once. */
  readonly stableMs?: number;
}

/** util-linux reads a priority before each line; other loggers have one priority for all they read. */
type Style = "prefix" | "plain";

/** Lines to the system's log, through long-lived logger(1) children. */
export class SyslogSink implements Sink {
  readonly #options: SyslogOptions;
  readonly #children = new Map<LogLevel, LoggerChild>();
  readonly #early = new LineQueue(QUEUE_LINES_MAX);
  readonly kind = "syslog";
  #style: Style | undefined;
  #started = false;
  #closed = false;

  constructor(options: SyslogOptions) {
    this.#options = options;
  }

  get lost(): number {
    let lost = this.#early.dropped;
    for (const child of this.#children.values()) lost += child.lost;
    return lost;
  }

  get lostInAll(): number {
    let lost = this.#early.dropped;
    for (const child of this.#children.values()) lost += child.lostInAll;
    return lost;
  }

  write(level: LogLevel, line: string): void {
    if (this.#style === undefined) this.#early.push({ level, line });
    else this.#childFor(level, this.#style).write(level, line);
  }

  start(): void {
    this.#started = true;
    execFile(
      commandOf(this.#options),
      ["--version"],
      { timeout: 5_000, env: loggerEnvironment(process.env), cwd: "/" },
      (_error, stdout) => {
        if (this.#closed) return;
        const style = stdout.includes("util-linux") ? "prefix" : "plain";
        this.#style = style;
        this.#childFor("notice", style).lose(this.#early.takeDropped());
        for (const { level, line } of this.#early.take(QUEUE_LINES_MAX)) {
          this.#childFor(level, style).write(level, line);
        }
      },
    ).stdin?.end();
  }

  reopen(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    if (this.#started && this.#style === undefined && this.#early.length > 0) await delay(CLOSE_MS_MAX / 2);
    this.#closed = true;
    await Promise.all([...this.#children.values()].map((child) => child.close()));
  }

  #childFor(level: LogLevel, style: Style): LoggerChild {
    const key = style === "prefix" ? "notice" : level;
    let child = this.#children.get(key);
    if (child === undefined) {
      child = new LoggerChild(this.#options, style, key);
      this.#children.set(key, child);
    }
    return child;
  }
}

/** One logger process, started again when it dies, and the lines that wait for it. */
class LoggerChild {
  readonly #options: SyslogOptions;
  readonly #style: Style;
  readonly #level: LogLevel;
  readonly #queue = new LineQueue(QUEUE_LINES_MAX);
  readonly #batcher = new WriteBatcher(BATCH_LINES_MAX, () => {
    this.#pump();
  });
  readonly #restartMs: readonly [number, number];
  #process: ChildProcess | undefined;
  #ready = false;
  #inFlight: readonly QueuedLine[] | undefined;
  #waitMs: number;
  #timer: NodeJS.Timeout | undefined;
  #ending: string | undefined;
  #closed = false;
  #idle: (() => void) | undefined;

  constructor(options: SyslogOptions, style: Style, level: LogLevel) {
    this.#options = options;
    this.#style = style;
    this.#level = level;
    this.#restartMs = options.restartMs ?? [1_000, 60_000];
    this.#waitMs = this.#restartMs[0];
    this.#spawn();
  }

  write(level: LogLevel, line: string): void {
    this.#queue.push({ level, line });
    this.#batcher.add(level, this.#queue.length);
  }

  get lost(): number {
    return this.#queue.dropped;
  }

  get lostInAll(): number {
    return this.#queue.droppedInAll;
  }

  lose(lines: number): void {
    this.#queue.lose(lines);
  }

  async close(): Promise<void> {
    this.#batcher.flush();
    const child = this.#process;
    if (child !== undefined && (this.#inFlight !== undefined || this.#queue.length > 0)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, CLOSE_MS_MAX);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#process === undefined || child === undefined) return;
    child.stdin?.end();
    await Promise.race([new Promise((resolve) => child.once("close", resolve)), delay(CLOSE_MS_MAX)]);
    child.kill("SIGKILL");
  }

  #spawn(): void {
    // A session of its own: Ctrl-C at a terminal must not end it before the last lines.
    const child = spawn(commandOf(this.#options), this.#arguments(), {
      stdio: ["pipe", "ignore", "pipe"],
      env: loggerEnvironment(process.env),
      cwd: "/",
      detached: true,
    });
    this.#process = child;
    let words = "";
    let over = false;
    const ended = (reason: string): void => {
      if (over) return;
      over = true;
      this.#ended(reason + (words === "" ? "" : `: ${words.trim().split("\n").at(-1) ?? ""}`));
    };
    child.once("error", (error) => {
      ended(error.message);
    });
    const { stdin, stderr } = pipesOf(child);
    stderr?.on("data", (chunk: Buffer) => {
      words = (words + chunk.toString("latin1")).slice(-500);
    });
    stdin?.on("error", () => {
      // The end of the process tells the rest.
    });
    child.once("close", (code, signal) => {
      ended(`logger ended with ${signal ?? `status ${code ?? 0}`}`);
    });
    this.#timer = setTimeout(() => {
      if (this.#process !== child) return;
      this.#ready = true;
      this.#timer = setTimeout(() => {
        this.#waitMs = this.#restartMs[0];
      }, this.#restartMs[1]);
      this.#timer.unref();
      this.#tellLosses();
      this.#pump();
    }, this.#options.stableMs ?? 100);
  }

  #arguments(): string[] {
    const common = ["-t", this.#options.ident, "-p", `${this.#options.facility}.${nameOf(this.#level)}`];
    // Without socket errors this logger would drop lines in silence while there is no /dev/log.
    return this.#style === "prefix"
      ? ["--prio-prefix", "--size", LOGGER_SIZE, "--socket-errors=on", ...common]
      : common;
  }

  #ended(reason: string): void {
    clearTimeout(this.#timer);
    this.#process = undefined;
    this.#ready = false;
    this.#ending = reason;
    if (this.#inFlight !== undefined) {
      this.#queue.giveBack(this.#inFlight);
      this.#inFlight = undefined;
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#spawn();
    }, this.#waitMs);
    this.#timer.unref();
    this.#waitMs = Math.min(this.#waitMs * 2, this.#restartMs[1]);
  }

  #tellLosses(): void {
    const texts: string[] = [];
    const lost = this.#queue.takeDropped();
    if (lost > 0) texts.push(lostText(lost, ""));
    if (this.#ending !== undefined) {
      texts.push(`log: ${this.#ending}, restarted; the last lines before may be missing`);
      this.#ending = undefined;
    }
    const { formatOwn } = this.#options;
    this.#queue.giveBack(texts.map((text) => ({ level: "warning", line: formatOwn("warning", text) })));
  }

  #pump(): void {
    const stdin = this.#process?.stdin;
    if (!this.#ready || this.#inFlight !== undefined || stdin === null || stdin === undefined) return;
    const batch = this.#queue.take(BATCH_LINES_MAX);
    if (batch.length === 0) {
      this.#idle?.();
      return;
    }
    this.#inFlight = batch;
    const text = batch.map((line) => `${this.#prefix(line)}${line.line}\n`).join("");
    stdin.write(text, "latin1", (error) => {
      if (this.#inFlight !== batch) return;
      this.#inFlight = undefined;
      if (error !== null && error !== undefined) {
        this.#queue.giveBack(batch);
        return;
      }
      if (this.#queue.dropped > 0) this.#tellLosses();
      if (this.#queue.length >= BATCH_LINES_MAX || this.#idle !== undefined) this.#pump();
      else if (this.#queue.length > 0) this.#batcher.wait();
    });
  }

  /** The line itself cannot bring a prefix of its own into play: only the first one is read. */
  #prefix({ level }: QueuedLine): string {
    return this.#style === "prefix" ? `<${FACILITY[this.#options.facility] * 8 + SEVERITY[level]}>` : "";
  }
}

/** Without a descriptor left, Node makes neither the process nor the pipes that its types promise. */
function pipesOf(child: Partial<Pick<ChildProcess, "stdin" | "stderr">>): typeof child {
  return child;
}

function nameOf(level: LogLevel): string {
  return level === "error" ? "err" : level;
}

function commandOf(options: SyslogOptions): string {
  return options.command ?? LOGGER;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The environment of a logger: little of our own. */
function loggerEnvironment({ PATH }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: [PATH, ...DIRECTORIES].filter(Boolean).join(":"), LC_ALL: "C" };
}

/** Whether what is for syslog gets there: through the journal, or through a logger(1) that is installed. */
export function isSyslogReachable(
  env: NodeJS.ProcessEnv,
  directories: readonly string[] = DIRECTORIES,
): boolean {
  if (isJournal(env["JOURNAL_STREAM"])) return true;
  return [...(env["PATH"] ?? "").split(":"), ...directories].some((directory) => {
    try {
      accessSync(join(directory, LOGGER), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Whether standard error leads to the journal, as systemd says in JOURNAL_STREAM (sd-daemon(3)). */
export function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(2, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
