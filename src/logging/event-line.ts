/** Events as lines, in text or JSON: what a client said is made printable, and cut so that it hides nothing else. */
import type { ActionEvent, FilterEvent, MailFacts, ResultEvent } from "../filter/index.ts";
import type { LogLevel } from "./sink.ts";

/** The formats of text; `json` is another matter. */
export type TextFormat = "classic" | "2.5" | "detailed";

/** A line in a log, its end not counted. */
const LINE_OCTETS_MAX = 1000;
/** What syslog writes before a text: time, a host name of 63 octets, ident. */
const HEAD_OCTETS_MAX = 100;
/** The text of a line that gets a head. */
const TEXT_OCTETS_MAX = LINE_OCTETS_MAX - HEAD_OCTETS_MAX;
/** One value in a line: no client can push the others out of it. */
const VALUE_OCTETS_MAX = 160;
const CUT = "...";

/** The priority of an event: what is ordinary or repeated is info, the rest notice. */
export function levelOf(event: FilterEvent): LogLevel {
  if (event.event === "result") return event.cached || event.result === "none" ? "info" : "notice";
  return event.action === "skipped" || event.action === "header removed" ? "info" : "notice";
}

/**
 * The event as text, without head and line end: one line, or several that begin alike where one cannot name all
 * recipients.
 */
export function eventLines(event: FilterEvent, format: TextFormat): string[] {
  if (event.event === "result") return [boundedLine(resultLine(event, format))];
  const recipients = event.recipients.map((recipient) => `, to=${fieldValue(recipient)}`);
  // Long words of a client must not push out whom the line is about.
  const longest = recipients.reduce((octets, named) => Math.max(octets, named.length), 0);
  const whole = actionLine(event, format);
  const cut = boundedLine(whole, longest + 1);
  const beginning = cut !== whole && isQuoteOpen(cut) ? `${cut}"` : cut;
  const lines: string[] = [];
  let line = beginning;
  for (const named of recipients) {
    if (line.length + named.length > TEXT_OCTETS_MAX) {
      lines.push(line);
      line = beginning;
    }
    line += named;
  }
  lines.push(line);
  return lines;
}

/** Whether the text ends inside a quoted value. */
function isQuoteOpen(text: string): boolean {
  return text.replace(/\\./g, "").split('"').length % 2 === 0;
}

function resultLine(event: ResultEvent, format: TextFormat): string {
  const line = `SPF ${event.result}${event.cached ? " (cached)" : ""}: ${whoLine(event, format)}`;
  if (format !== "detailed") return line;
  const details = [
    `identity=${event.identity}`,
    `mechanism=${event.mechanism === undefined ? "-" : fieldValue(event.mechanism)}`,
    `lookups=${event.lookups}`,
    `voids=${event.voids}`,
    `ms=${Math.round(event.elapsedMs)}`,
  ];
  if (event.local !== undefined) details.push(`local=${event.local}`);
  if (event.guess !== undefined) details.push(`guess=${event.guess}`);
  if (event.problem !== undefined) details.push(`problem=${quotedValue(event.problem)}`);
  return `${line}, ${details.join(", ")}`;
}

function actionLine(event: ActionEvent, format: TextFormat): string {
  const parts = [
    `SPF ${event.action}${event.reportOnly ? " (report only)" : ""}: ${whoLine(event, format)}`,
    `reason=${quotedValue(event.reason)}`,
  ];
  if (format === "detailed") {
    if (event.rule !== undefined) parts.push(`rule=${event.rule}`);
    if (event.location !== undefined) parts.push(`line=${fieldValue(event.location)}`);
    if (event.dkim !== undefined) parts.push(`dkim=${fieldValue(event.dkim)}`);
  }
  if (event.queueId !== undefined) parts.push(`queue=${fieldValue(event.queueId)}`);
  if (event.reply !== undefined) parts.push(`reply=${quotedValue(event.reply)}`);
  return parts.join(", ");
}

function whoLine(facts: MailFacts, format: TextFormat): string {
  const ip = fieldValue(facts.ip);
  const ptr = fieldValue(facts.ptr);
  const helo = fieldValue(facts.helo);
  const from = fieldValue(facts.from);
  switch (format) {
    case "classic":
      return `${ip}, ${ptr}, ${helo}, ${from === "" ? "<>" : from}`;
    case "2.5":
      return `ip=${ip}, fqdn=${ptr}, helo=${helo}, from=<${from}>`;
    case "detailed":
      return `ip=${ip}, ptr=${ptr}, helo=${helo}, from=${from === "" ? "<>" : from}`;
  }
}

/** How many octets of a value are shown; tried in turn until the line fits. */
const SIZES: readonly number[] = [VALUE_OCTETS_MAX, 80, 32, 12];

/** More are never named in one line. */
const RECIPIENTS_MAX = 400;

type Fields = Record<string, string | number | boolean | readonly string[] | undefined>;

/** Writes lines of JSON, one object each, at most {@link LINE_OCTETS_MAX} octets, without the line end. */
export class JsonLines {
  readonly #now: () => Date;

  /** @param now the time of the lines */
  constructor(now: () => Date) {
    this.#now = now;
  }

  /** An event of the filter: one line, or several that begin alike where one cannot name all recipients. */
  events(event: FilterEvent): string[] {
    if (event.event === "result") return [this.#result(event)];
    const lines: string[] = [];
    let rest = event.recipients;
    do {
      const { line, named } = this.#action(event, rest);
      lines.push(line);
      rest = rest.slice(named);
    } while (rest.length > 0);
    return lines;
  }

  #result(event: ResultEvent): string {
    for (const octetsMax of SIZES) {
      const line = this.#format(levelOf(event), resultFields(event, octetsMax));
      if (line.length <= LINE_OCTETS_MAX) return line;
    }
    return this.#tooLong(event);
  }

  /** A line that names the first of these recipients, and how many it names. */
  #action(event: ActionEvent, recipients: readonly string[]): { line: string; named: number } {
    const first = recipients.slice(0, RECIPIENTS_MAX);
    for (const octetsMax of SIZES) {
      const fields = actionFields(event, octetsMax);
      const room = LINE_OCTETS_MAX - this.#format(levelOf(event), { ...fields, to: [] }).length;
      const to = fitting(
        first.map((recipient) => printableOctets(recipient, octetsMax)),
        room,
      );
      if (room >= 0 && (to.length > 0 || first.length === 0)) {
        return { line: this.#format(levelOf(event), { ...fields, to }), named: to.length };
      }
    }
    return { line: this.#tooLong(event), named: recipients.length };
  }

  #tooLong(event: FilterEvent): string {
    return this.#format(levelOf(event), { event: event.event, message: "too long" });
  }

  /** A message of the daemon itself. */
  message(level: LogLevel, text: string): string {
    const message = printableText(text);
    for (let octetsMax = LINE_OCTETS_MAX - 100; octetsMax > 100; octetsMax -= 200) {
      const line = this.#format(level, { event: "daemon", message: printableOctets(message, octetsMax) });
      if (line.length <= LINE_OCTETS_MAX) return line;
    }
    return this.#format(level, { event: "daemon", message: "too long" });
  }

  #format(level: LogLevel, fields: Fields): string {
    return JSON.stringify({ level, time: this.#now().toISOString(), ...fields });
  }
}

function whoFields(facts: MailFacts, octetsMax: number): Fields {
  const shown = (value: string): string => printableOctets(value, octetsMax);
  return {
    queue: facts.queueId === undefined ? undefined : shown(facts.queueId),
    ip: shown(facts.ip),
    ptr: shown(facts.ptr),
    helo: shown(facts.helo),
    from: facts.from === "" ? "<>" : shown(facts.from),
  };
}

function resultFields(event: ResultEvent, octetsMax: number): Fields {
  const shown = (value: string | undefined): string | undefined =>
    value === undefined ? undefined : printableOctets(value, octetsMax);
  return {
    event: "result",
    result: event.result,
    cached: event.cached,
    ...whoFields(event, octetsMax),
    identity: event.identity,
    mechanism: shown(event.mechanism),
    lookups: event.lookups,
    voids: event.voids,
    ms: Math.round(event.elapsedMs),
    local: event.local,
    guess: event.guess,
    problem: shown(event.problem),
  };
}

/** All but the recipients' names; `recipients` is how many there are. */
function actionFields(event: ActionEvent, octetsMax: number): Fields {
  return {
    event: "action",
    action: event.action,
    reportOnly: event.reportOnly,
    ...whoFields(event, octetsMax),
    reason: printableOctets(event.reason, 2 * octetsMax),
    rule: event.rule,
    line: event.location === undefined ? undefined : printableOctets(event.location, octetsMax),
    dkim: event.dkim,
    reply: event.reply === undefined ? undefined : printableOctets(event.reply, 2 * octetsMax),
    to: [],
    recipients: event.recipients.length,
  };
}

/** The first of the values, as many as an array in JSON has room for. */
function fitting(values: readonly string[], room: number): readonly string[] {
  let octets = -1;
  const end = values.findIndex((value) => {
    octets += JSON.stringify(value).length + 1;
    return octets > room;
  });
  return end === -1 ? values : values.slice(0, end);
}

/** Text in printable ASCII: every other character becomes its UTF-8 octets as `\xHH`. */
export function printableText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, (run) => {
    const bytes = Buffer.from(run, "utf8");
    return Array.from(bytes, hexOctet).join("");
  });
}

/** An octet string in printable ASCII, at most `octetsMax` long. */
function printableOctets(octets: string, octetsMax: number): string {
  const clean = octets
    .slice(0, octetsMax + 1)
    .replace(/[^\x20-\x7e]/g, (c) => hexOctet(c.charCodeAt(0) & 0xff));
  return cut(clean, octetsMax);
}

/**
 * A value from a client in a line of text: quotes and backslashes escaped, spaces as `\x20`, so that no value
 * can pass for two.
 */
export function fieldValue(octets: string): string {
  if (octets.length <= VALUE_OCTETS_MAX && !/[^!#-[\]-~]/.test(octets)) return octets;
  return cut(
    octets
      .slice(0, VALUE_OCTETS_MAX + 1)
      .replace(/["\\]/g, "\\$&")
      .replace(/[^\x21-\x7e]/g, (c) => hexOctet(c.charCodeAt(0) & 0xff)),
    VALUE_OCTETS_MAX,
  );
}

/** Words that may hold something a client said, between double quotes. */
export function quotedValue(octets: string): string {
  return `"${cut(printableOctets(octets, 2 * VALUE_OCTETS_MAX).replace(/["\\]/g, "\\$&"), 2 * VALUE_OCTETS_MAX)}"`;
}

/**
 * The text cut so that the line stays within its limit with a head before it.
 *
 * @param reserved octets for what is to follow the text
 */
export function boundedLine(text: string, reserved = 0): string {
  return cut(text, TEXT_OCTETS_MAX - reserved);
}

/** Never leaves half an escape at the end. */
function cut(text: string, octetsMax: number): string {
  if (text.length <= octetsMax) return text;
  const [whole = ""] = /^(?:[^\\]|\\x[0-9a-f]{2}|\\[^x])*/.exec(text.slice(0, octetsMax - CUT.length)) ?? [];
  return whole + CUT;
}

function hexOctet(octet: number): string {
  return `\\x${octet.toString(16).padStart(2, "0")}`;
}
