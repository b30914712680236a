import type { ActionEvent, FilterEvent, MailFacts, ResultEvent } from "../filter/index.ts";
import { levelOf } from "./event-line.ts";
import { LINE_OCTETS_MAX, printableOctets, printableText, VALUE_OCTETS_MAX } from "./printable.ts";
import type { LogLevel } from "./sink.ts";

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
