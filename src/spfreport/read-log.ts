import { LineHeads } from "./line-head.ts";
import { readLogLine } from "./log-line.ts";
import type { Mails } from "./mails.ts";
import type { Tally } from "./tally.ts";

/** The time looked at, in milliseconds since 1970: from `since` on, before `until`. */
export interface Period {
  readonly since: number;
  readonly until: number;
}

/** What became of the lines: read = events + other + unreadable. */
export interface LineCounts {
  read: number;
  /** Lines of smf-spf about a message, within the time looked at. */
  events: number;
  /** Other programs' lines, the daemon's of no message, and those of another time. */
  other: number;
  unreadable: number;
  /** Events that are dated more than a day after now. */
  future: number;
}

const DAY_MS = 86_400_000;
/** What syslogd counts instead of writing again is counted up to here. */
const REPEATS_MAX = 100_000;

/** Takes the lines of one log after another and tells them to the tally. */
export class LogReader {
  readonly counts: LineCounts = { read: 0, events: 0, other: 0, unreadable: 0, future: 0 };
  readonly #tally: Tally;
  readonly #mails: Mails;
  readonly #period: Period;
  readonly #nowMs: number;
  #heads: LineHeads;
  /** Tells the line before this one again. */
  #repeat: (() => void) | undefined;

  constructor(tally: Tally, mails: Mails, period: Period, nowMs: number) {
    this.#tally = tally;
    this.#mails = mails;
    this.#period = period;
    this.#nowMs = nowMs;
    this.#heads = new LineHeads(nowMs);
  }

  /** A file begins. @param writtenMs when it was last written: its lines have no year */
  begin(writtenMs: number): void {
    this.#heads = new LineHeads(writtenMs);
    this.#repeat = undefined;
  }

  /** One line without its end. */
  line(text: string): void {
    const { counts } = this;
    counts.read++;
    const line = text.endsWith("\r") ? text.slice(0, -1) : text;
    const head = this.#heads.read(line);
    if (head === "other" || head === "unreadable") {
      if (this.#repeated(line)) return;
      counts[head]++;
      this.#repeat = undefined;
      return;
    }
    const body = line.slice(head.textAt);
    const again = /^message repeated (\d{1,6}) times: \[/.exec(body);
    if (again !== null && this.#repeat !== undefined) {
      this.#again(Number(again[1]));
      return;
    }
    this.#repeat = undefined;
    const reading = readLogLine(body);
    if (reading === "other" || reading === "unreadable") {
      if (body.startsWith("smf-spf 3.")) this.#tally.knowProcess(head.process);
      counts[reading]++;
      return;
    }
    if (reading.ours === true) this.#tally.knowProcess(head.process);
    const timeMs = head.timeMs ?? Date.parse(reading.time ?? "");
    if (!(Math.abs(timeMs) < 8.64e15)) {
      counts.unreadable++;
      return;
    }
    if (timeMs < this.#period.since || timeMs >= this.#period.until) {
      counts.other++;
      return;
    }
    const tell = (): void => {
      if (reading.kind === "result") {
        this.#tally.result(reading, timeMs);
        this.#mails.result(reading, timeMs, head.process);
      } else {
        this.#mails.action(reading, timeMs, head.process);
      }
    };
    counts.events++;
    if (timeMs > this.#nowMs + DAY_MS) counts.future++;
    this.#repeat = tell;
    tell();
  }

  /** `Nov 22 03:18:01 host last message repeated 3 times`, after a line of ours. */
  #repeated(line: string): boolean {
    if (this.#repeat === undefined || !line.endsWith(" times")) return false;
    const match = /^[A-Z][a-z]{2} [ \d]\d [\d:]{8} \S+ last message repeated (\d{1,6}) times$/.exec(line);
    if (match === null) return false;
    this.#again(Number(match[1]));
    return true;
  }

  #again(times: number): void {
    this.counts.events++;
    for (let i = 0; i < Math.min(times, REPEATS_MAX); i++) this.#repeat?.();
    this.#repeat = undefined;
  }
}

/** Longer lines are not ours. */
const LINE_LENGTH_MAX = 65_536;

/** Cuts what is read into lines, whatever pieces it comes in. Text is octets (latin1). */
export class Lines {
  readonly #line: (line: string) => void;
  #rest = "";
  #isTooLong = false;

  constructor(line: (line: string) => void) {
    this.#line = line;
  }

  chunk(text: string): void {
    let start = 0;
    for (;;) {
      const end = text.indexOf("\n", start);
      if (end === -1) break;
      this.#take(text.slice(start, end));
      start = end + 1;
    }
    if (this.#isTooLong || start === text.length) return;
    this.#rest += text.slice(start);
    if (this.#rest.length > LINE_LENGTH_MAX) {
      this.#rest = "";
      this.#isTooLong = true;
    }
  }

  /** The file ends; the last line may have no end of its own. */
  end(): void {
    if (this.#rest !== "" || this.#isTooLong) this.#take("");
  }

  #take(piece: string): void {
    // What is too long counts as one line that cannot be read.
    const line = this.#isTooLong ? "\0" : this.#rest === "" ? piece : this.#rest + piece;
    this.#rest = "";
    this.#isTooLong = false;
    this.#line(line);
  }
}
