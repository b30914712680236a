/** Reads a log line by line: each has a head, which says when and who, and a text. */
import { readLogLine } from "./log-line.ts";
import type { MessageJoiner } from "./messages.ts";
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
  /** The first of those that cannot be read. */
  firstUnreadable: UnreadableLine | undefined;
  /** Events that are dated more than a day after now. */
  future: number;
}

/** A line that cannot be read, and where it is. */
export interface UnreadableLine {
  readonly file: string;
  /** Counted from 1. */
  readonly number: number;
  /** The beginning, octets as they are in the log; undefined where the line is too long to be kept. */
  readonly text: string | undefined;
}

const DAY_MS = 86_400_000;
/** What is kept of a line that cannot be read. */
const UNREADABLE_OCTETS_MAX = 200;
/** What syslogd counts instead of writing again is counted up to here. */
const REPEATS_MAX = 100_000;

/** Takes the lines of one log after another and tells them to the tally. */
export class LogReader {
  readonly counts: LineCounts = {
    read: 0,
    events: 0,
    other: 0,
    unreadable: 0,
    firstUnreadable: undefined,
    future: 0,
  };
  readonly #tally: Tally;
  readonly #joiner: MessageJoiner;
  readonly #period: Period;
  readonly #nowMs: number;
  #heads: LineHeads;
  #file = "standard input";
  /** Lines of the files before this one. */
  #readBefore = 0;
  /** Tells the line before this one again. */
  #repeat: (() => void) | undefined;

  constructor(tally: Tally, joiner: MessageJoiner, period: Period, nowMs: number) {
    this.#tally = tally;
    this.#joiner = joiner;
    this.#period = period;
    this.#nowMs = nowMs;
    this.#heads = new LineHeads(nowMs);
  }

  /**
   * A file begins.
   *
   * @param writtenMs when it was last written: its lines have no year
   * @param file its name, as the operator knows it
   */
  begin(writtenMs: number, file: string): void {
    this.#heads = new LineHeads(writtenMs);
    this.#file = file;
    this.#readBefore = this.counts.read;
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
      this.#leave(head, line);
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
      this.#leave(reading, line);
      return;
    }
    if (reading.ours === true) this.#tally.knowProcess(head.process);
    const timeMs = head.timeMs ?? Date.parse(reading.time ?? "");
    if (!(Math.abs(timeMs) < 8.64e15)) {
      this.#leave("unreadable", line);
      return;
    }
    if (timeMs < this.#period.since || timeMs >= this.#period.until) {
      counts.other++;
      return;
    }
    const tell = (): void => {
      if (reading.kind === "result") {
        this.#tally.result(reading, timeMs);
        this.#joiner.result(reading, timeMs, head.process);
      } else {
        this.#joiner.action(reading, timeMs, head.process);
      }
    };
    counts.events++;
    if (timeMs > this.#nowMs + DAY_MS) counts.future++;
    this.#repeat = tell;
    tell();
  }

  /** Counts a line that says nothing about a message. */
  #leave(kind: "other" | "unreadable", line: string): void {
    const { counts } = this;
    counts[kind]++;
    if (kind === "other" || counts.firstUnreadable !== undefined) return;
    counts.firstUnreadable = {
      file: this.#file,
      number: counts.read - this.#readBefore,
      text: line === TOO_LONG ? undefined : line.slice(0, UNREADABLE_OCTETS_MAX),
    };
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

/** What precedes the text of a line. */
interface LineHead {
  /** Milliseconds since 1970; undefined where the line itself has no time (its text may have one). */
  readonly timeMs: number | undefined;
  /** The host that wrote the line, and the process there. */
  readonly process: string;
  /** Where the text begins. */
  readonly textAt: number;
}

const IDENT = "smf-spf";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * Reads the heads of log lines: `Nov 22 03:18:00 host smf-spf[7]: ` (RFC 3164, with a priority after time or host as
 * FreeBSD and BusyBox write it), `2026-11-22T03:18:00+09:00 host smf-spf[7]: ` (RFC 3339, the journal's too), and lines that are a
 * JSON object. The name of the program is in one place only, so no other program's words can pass for it.
 */
export class LineHeads {
  readonly #latestMs: number;
  #minute = "";
  #minuteMs = 0;

  /** @param latestMs no line without a year is later than this and a day: when the file was last written */
  constructor(latestMs: number) {
    this.#latestMs = latestMs + DAY_MS;
  }

  /** The head of a line of smf-spf, `other` for another program's, or `unreadable`. */
  read(line: string): LineHead | "other" | "unreadable" {
    const first = line.charCodeAt(0);
    if (first === 0x7b) return { timeMs: undefined, process: "json", textAt: 0 };
    // A digit: RFC 3339 ends with a space, RFC 3164 has a fixed length.
    const isDated = first >= 0x30 && first <= 0x39;
    const timeEnd = isDated ? line.indexOf(" ", 18) : 15;
    if (timeEnd === -1 || line[timeEnd] !== " ") return this.#odd(line);
    let at = timeEnd + 1;
    if (line[at] === "<") at = behindSpace(line, at);
    const host = at;
    at = behindSpace(line, at);
    if (at === 0) return this.#odd(line);
    let ident = at;
    if (!line.startsWith(IDENT, ident)) {
      const level = behindSpace(line, at);
      if (
        level === 0 ||
        !line.startsWith(IDENT, level) ||
        !/^[a-z\d]+\.[a-z]+ $/.test(line.slice(at, level))
      ) {
        return isDated
          ? RFC_3339.test(line)
            ? "other"
            : "unreadable"
          : RFC_3164.test(line)
            ? "other"
            : "unreadable";
      }
      ident = level;
    }
    const colon = line.indexOf(": ", ident);
    const tag = line.slice(ident + IDENT.length, colon);
    if (colon === -1 || !/^(?:\[\d+\])?$/.test(tag)) return "other";
    const timeMs = isDated ? this.#rfc3339(line.slice(0, timeEnd)) : this.#rfc3164(line);
    if (timeMs === undefined) return "unreadable";
    return { timeMs, process: line.slice(host, at) + tag, textAt: colon + 2 };
  }

  /** Blank lines, and what journalctl writes between boots. */
  #odd(line: string): "other" | "unreadable" {
    return line === "" || line.startsWith("-- ") ? "other" : "unreadable";
  }

  #rfc3164(line: string): number | undefined {
    const minute = line.slice(0, 12);
    if (minute !== this.#minute) {
      const [, monthName = "", day, hour, minutes] = RFC_3164.exec(line) ?? [];
      const month = MONTHS.indexOf(monthName);
      if (month === -1) return undefined;
      const ms = this.#latest(month, Number(day), Number(hour), Number(minutes));
      if (ms === undefined) return undefined;
      this.#minute = minute;
      this.#minuteMs = ms;
    }
    return this.#minuteMs + seconds(line, 13);
  }

  /** The last such time that the file can know of; a 29th of February is in the last leap year. */
  #latest(month: number, day: number, hour: number, minute: number): number | undefined {
    const year = new Date(this.#latestMs).getFullYear();
    for (let back = 0; back < 9; back++) {
      const time = new Date(year - back, month, day, hour, minute);
      if (time.getDate() === day && time.getTime() <= this.#latestMs) return time.getTime();
    }
    return undefined;
  }

  #rfc3339(text: string): number | undefined {
    const match = RFC_3339.exec(text);
    if (match === null) return undefined;
    const [, year, month, day, hour, minutes, zone] = match;
    const key = `${text.slice(0, 16)}${zone ?? ""}`;
    if (key !== this.#minute) {
      const fields = [year, month, day, hour, minutes].map(Number) as [
        number,
        number,
        number,
        number,
        number,
      ];
      const ms = timeOf(fields, zone);
      if (ms === undefined) return undefined;
      this.#minute = key;
      this.#minuteMs = ms;
    }
    return this.#minuteMs + seconds(text, 17);
  }
}

const RFC_3164 = /^([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) /;
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):\d\d(?:[.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)?(?: |$)/;

/** Milliseconds since 1970 of a date and a time of day; without a zone it is local time. */
function timeOf(
  [year, month, day, hour, minute]: readonly [number, number, number, number, number],
  zone: string | undefined,
): number | undefined {
  const utc = new Date(Date.UTC(year, month - 1, day, hour, minute));
  if (utc.getUTCMonth() !== month - 1 || utc.getUTCDate() !== day || hour > 23 || minute > 59)
    return undefined;
  if (zone === undefined) return new Date(year, month - 1, day, hour, minute).getTime();
  if (zone === "Z") return utc.getTime();
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return utc.getTime() + (sign === "-" ? offset : -offset);
}

function behindSpace(line: string, at: number): number {
  return line.indexOf(" ", at) + 1;
}

function seconds(text: string, at: number): number {
  return ((text.charCodeAt(at) - 0x30) * 10 + (text.charCodeAt(at + 1) - 0x30)) * 1000;
}

/** Longer lines are not ours. */
const LINE_LENGTH_MAX = 65_536;
/** What stands for a line that is too long. */
const TOO_LONG = "\0";

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
    const line = this.#isTooLong ? TOO_LONG : this.#rest === "" ? piece : this.#rest + piece;
    this.#rest = "";
    this.#isTooLong = false;
    this.#line(line);
  }
}
