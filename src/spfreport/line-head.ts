/** What precedes the text of a line. */
export interface LineHead {
  /** Milliseconds since 1970; undefined where the line itself has no time (its text may have one). */
  readonly timeMs: number | undefined;
  /** The host that wrote the line, and the process there. */
  readonly process: string;
  /** Where the text begins. */
  readonly textAt: number;
}

const IDENT = "smf-spf";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_MS = 86_400_000;

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
