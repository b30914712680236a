import { pino } from "pino";
import type { ActionEvent, FilterEvent, MailFacts, ResultEvent } from "../filter/index.ts";
import { levelOf } from "./event-line.ts";
import { type LogLevel, SEVERITY } from "./levels.ts";
import { LINE_OCTETS_MAX, printableOctets, printableText, VALUE_OCTETS_MAX } from "./printable.ts";

/** Tried in turn until the line fits: octets a value, recipients named. */
const SIZES: readonly (readonly [number, number])[] = [
  [VALUE_OCTETS_MAX, 20],
  [VALUE_OCTETS_MAX, 4],
  [80, 2],
  [32, 1],
  [12, 0],
];

type Fields = Record<string, string | number | boolean | readonly string[] | undefined>;

/** Writes lines of JSON, one object each, at most {@link LINE_OCTETS_MAX} octets, without the line end. */
export class JsonLines {
  #line = "";
  readonly #pino;

  /** @param now the time of the lines */
  constructor(now: () => Date) {
    this.#pino = pino(
      {
        level: "debug",
        // pino counts upwards with urgency.
        customLevels: Object.fromEntries(
          Object.entries(SEVERITY).map(([level, severity]) => [level, 80 - 10 * severity]),
        ) as Record<LogLevel, number>,
        useOnlyCustomLevels: true,
        base: null,
        messageKey: "message",
        timestamp: () => `,"time":"${now().toISOString()}"`,
        formatters: { level: (label) => ({ level: label }) },
      },
      {
        write: (line: string) => {
          this.#line = line.trimEnd();
        },
      },
    );
  }

  /** An event of the filter. */
  event(event: FilterEvent): string {
    const level = levelOf(event);
    for (const [octetsMax, recipientsMax] of SIZES) {
      const fields =
        event.event === "result"
          ? resultFields(event, octetsMax)
          : actionFields(event, octetsMax, recipientsMax);
      const line = this.#format(level, fields);
      if (line.length <= LINE_OCTETS_MAX) return line;
    }
    return this.#format(level, { event: event.event, message: "too long" });
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
    this.#pino[level](fields);
    return this.#line;
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

function actionFields(event: ActionEvent, octetsMax: number, recipientsMax: number): Fields {
  return {
    event: "action",
    action: event.action,
    reportOnly: event.reportOnly,
    ...whoFields(event, octetsMax),
    reason: printableOctets(event.reason, 2 * octetsMax),
    reply: event.reply === undefined ? undefined : printableOctets(event.reply, 2 * octetsMax),
    to: event.recipients.slice(0, recipientsMax).map((recipient) => printableOctets(recipient, octetsMax)),
    recipients: event.recipients.length,
  };
}
