const FORM = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?$/;

/**
 * A time of the command line, local: `today`, `yesterday`, `YYYY-MM-DD`, `YYYY-MM-DD HH:MM[:SS]`. Milliseconds since
 * 1970, or undefined where it is none of them.
 */
export function readTime(text: string, nowMs: number): number | undefined {
  const word = text.trim().toLowerCase();
  if (word === "today" || word === "yesterday") {
    const [start] = dayOf(nowMs, word === "today" ? 0 : -1);
    return start;
  }
  const match = FORM.exec(text.trim());
  if (match === null) return undefined;
  const fields = match.slice(1).map((part: string | undefined) => Number(part ?? 0));
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const time = new Date(year, month - 1, day, hour, minute, second);
  return time.getMonth() === month - 1 &&
    localDate(new Date(year, month - 1, day).getTime()) === match[0].slice(0, 10)
    ? time.getTime()
    : undefined;
}

/** The day that a word or date of the command line names, from its beginning to the next day's. */
export function readDay(text: string, nowMs: number): readonly [since: number, until: number] | undefined {
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

/** The local date, `2026-11-22`. */
export function localDate(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${String(time.getFullYear()).padStart(4, "0")}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}
