import { SPF_RESULTS, type SpfResult } from "spf-check";
import { ACTIONS, type Action } from "../filter/index.ts";

/** Who sent what, as the line has it: octets, escapes of the log not undone. */
export interface Sender {
  readonly ip: string;
  readonly ptr: string;
  readonly helo: string;
  /** Without angle brackets; empty for the null sender. */
  readonly from: string;
}

/** What every line may also say. */
interface Common extends Sender {
  /** The time that a line of JSON has in it (RFC 3339). */
  readonly time: string | undefined;
  readonly queue: string | undefined;
  /** Whether smf-spf 3 wrote the line; undefined where the C programs write the same form. */
  readonly ours: true | undefined;
}

/** The verdict on a message. */
export interface ResultLine extends Common {
  readonly kind: "result";
  readonly result: SpfResult;
  readonly cached: boolean;
  /** undefined where the form of the line does not say. */
  readonly identity: "mailfrom" | "helo" | undefined;
  readonly lookups: number | undefined;
  readonly ms: number | undefined;
  /** The outcome of SPFRules or SPFGuess. */
  readonly local: SpfResult | undefined;
  readonly guess: SpfResult | undefined;
  readonly problem: string | undefined;
}

/** What was done to a message, or would have been. */
export interface ActionLine extends Common {
  readonly kind: "action";
  readonly action: Action;
  readonly reportOnly: boolean;
  readonly reason: string;
  /** The option that decided. */
  readonly rule: string | undefined;
  /** Where it is: `file:line`. */
  readonly line: string | undefined;
  readonly to: readonly string[];
}

export type LogLine = ResultLine | ActionLine;

/** `other`: smf-spf said it, but of no message. */
export type Reading = LogLine | "other" | "unreadable";

const isResult = (word: unknown): word is SpfResult => SPF_RESULTS.some((result) => result === word);
const isAction = (word: unknown): word is Action => ACTIONS.some((action) => action === word);

type Word =
  | { readonly result: SpfResult; readonly cached: boolean }
  | { readonly action: Action; readonly reportOnly: boolean };

/** What can be between `SPF ` and the colon. */
const WORDS: ReadonlyMap<string, Word> = new Map<string, Word>([
  ...SPF_RESULTS.flatMap((result): [string, Word][] => [
    [result, { result, cached: false }],
    [`${result} (cached)`, { result, cached: true }],
  ]),
  ...ACTIONS.flatMap((action): [string, Word][] => [
    [action, { action, reportOnly: false }],
    [`${action} (report only)`, { action, reportOnly: true }],
  ]),
]);

/** The prefixes of the four values, by form: classic, 2.5, detailed. */
const KEYS = {
  classic: ["", "", "", ""],
  "2.5": ["ip=", "fqdn=", "helo=", "from="],
  detailed: ["ip=", "ptr=", "helo=", "from="],
} as const;

/** Reads what follows the head of a line that smf-spf wrote, in any of its forms or the C programs'. */
export function readLogLine(body: string): Reading {
  if (body.startsWith("{")) return readJson(body);
  if (!body.startsWith("SPF ")) return "other";
  const colon = body.indexOf(": ", 4);
  const word = body.slice(4, colon);
  if (word === "skip ") return readSkip(body.slice(colon + 2));
  const what = colon === -1 ? undefined : WORDS.get(word);
  if (what === undefined) return "unreadable";
  const start = colon + 2;
  const form = !body.startsWith("ip=", start)
    ? "classic"
    : body.startsWith("fqdn=", body.indexOf(", ", start) + 2)
      ? "2.5"
      : "detailed";
  // No value of ours holds a space. The C programs escape nothing, and end the line with the sender.
  const endsWithSender = "result" in what && form !== "detailed";
  const sender = readSender(body, start, KEYS[form], endsWithSender);
  if (sender === undefined) return "unreadable";
  const { ip, ptr, helo, end } = sender;
  const from = withoutBrackets(sender.from);
  const fields = end >= body.length ? NO_FIELDS : readFields(body, end + 2);
  if ("action" in what) {
    const { action, reportOnly } = what;
    return {
      kind: "action",
      action,
      reportOnly,
      ip,
      ptr,
      helo,
      from,
      reason: fields.get("reason") ?? "",
      rule: fields.get("rule"),
      line: fields.get("line"),
      time: undefined,
      queue: fields.get("queue"),
      to: fields.to,
      ours: true,
    };
  }
  const identity = fields.get("identity");
  const { result, cached } = what;
  return {
    kind: "result",
    result,
    cached,
    ip,
    ptr,
    helo,
    from,
    identity: identity === "helo" || identity === "mailfrom" ? identity : undefined,
    time: undefined,
    queue: fields.get("queue"),
    lookups: numberOf(fields.get("lookups")),
    ms: numberOf(fields.get("ms")),
    local: resultOf(fields.get("local")),
    guess: resultOf(fields.get("guess")),
    problem: fields.get("problem"),
    ours: form === "detailed" ? true : undefined,
  };
}

function readSender(
  body: string,
  start: number,
  [ipKey, ptrKey, heloKey, fromKey]: readonly [string, string, string, string],
  endsWithSender: boolean,
): (Sender & { readonly end: number }) | undefined {
  const first = body.indexOf(", ", start);
  const second = first === -1 ? -1 : body.indexOf(", ", first + 2);
  const third = second === -1 ? -1 : body.indexOf(", ", second + 2);
  if (third === -1) return undefined;
  const behind = endsWithSender ? -1 : body.indexOf(", ", third + 2);
  const end = behind === -1 ? body.length : behind;
  const ip = body.slice(start, first);
  const ptr = body.slice(first + 2, second);
  const helo = body.slice(second + 2, third);
  const from = body.slice(third + 2, end);
  if (
    !ip.startsWith(ipKey) ||
    !ptr.startsWith(ptrKey) ||
    !helo.startsWith(heloKey) ||
    !from.startsWith(fromKey)
  ) {
    return undefined;
  }
  const address = ip.slice(ipKey.length);
  if (!/^[\da-fA-F.:]*$/.test(address)) return undefined;
  return {
    ip: address,
    ptr: ptr.slice(ptrKey.length),
    helo: helo.slice(heloKey.length),
    from: from.slice(fromKey.length),
    end,
  };
}

function withoutBrackets(text: string): string {
  const bare = text.trimEnd();
  return bare.startsWith("<") && bare.endsWith(">") ? bare.slice(1, -1) : bare;
}

/** `SPF skip : username U, from=<S>` and `SPF skip : empty sender, helo=H, ip=A` of smf-spf 2.5. */
function readSkip(text: string): Reading {
  const empty = /^empty sender, helo=(.*), ip=([\da-fA-F.:]+)$/.exec(text);
  const user = /^username .*, from=(.*)$/.exec(text);
  if (empty === null && user === null) return "unreadable";
  return {
    kind: "action",
    action: "skipped",
    reportOnly: false,
    ip: empty?.[2] ?? "",
    ptr: "",
    helo: empty?.[1] ?? "",
    from: withoutBrackets(user?.[1] ?? ""),
    reason: user === null ? "SkipNDR" : "SkipAuth",
    rule: undefined,
    line: undefined,
    time: undefined,
    queue: undefined,
    to: [],
    ours: undefined,
  };
}

/** The fields after the sender; a field that comes twice keeps its first value. */
class Fields {
  readonly to: string[] = [];
  readonly #values = new Map<string, string>();

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  add(name: string, value: string): void {
    if (name === "to") this.to.push(value);
    else if (!this.#values.has(name)) this.#values.set(name, value);
  }
}

const NO_FIELDS: Pick<Fields, "get" | "to"> = { get: () => undefined, to: [] };

/** `name=value, name="quoted value"`; a value that was cut off ends with the line. */
function readFields(text: string, start: number): Fields {
  const fields = new Fields();
  let at = start;
  while (at < text.length) {
    const equals = text.indexOf("=", at);
    if (equals === -1) break;
    const name = text.slice(at, equals);
    if (text[equals + 1] === '"') {
      const close = closingQuote(text, equals + 2);
      fields.add(name, text.slice(equals + 2, close).replace(/\\(["\\])/g, "$1"));
      at = close + 3;
    } else {
      const comma = text.indexOf(", ", equals);
      const end = comma === -1 ? text.length : comma;
      fields.add(name, text.slice(equals + 1, end));
      at = end + 2;
    }
  }
  return fields;
}

function closingQuote(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === '"') return at;
    if (char === "\\") at++;
  }
  return text.length;
}

function readJson(body: string): Reading {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return "unreadable";
  }
  if (typeof value !== "object" || value === null) return "other";
  const fields = value as Record<string, unknown>;
  const event = fields["event"];
  if (event !== "result" && event !== "action") return "other";
  const text = (name: string): string | undefined => {
    const field = fields[name];
    return typeof field === "string" ? field : undefined;
  };
  const number = (name: string): number | undefined => {
    const field = fields[name];
    return typeof field === "number" && Number.isFinite(field) ? field : undefined;
  };
  const from = text("from");
  const ip = text("ip");
  if (from === undefined || ip === undefined || !/^[\da-fA-F.:]*$/.test(ip)) return "unreadable";
  const common = {
    ip,
    ptr: text("ptr") ?? "",
    helo: text("helo") ?? "",
    from: withoutBrackets(from),
    time: text("time"),
    queue: text("queue"),
    ours: true,
  } as const;
  if (event === "result") {
    const { result } = fields;
    const identity = fields["identity"];
    if (!isResult(result)) return "unreadable";
    return {
      kind: "result",
      ...common,
      result,
      cached: fields["cached"] === true,
      identity: identity === "helo" || identity === "mailfrom" ? identity : undefined,
      lookups: number("lookups"),
      ms: number("ms"),
      local: resultOf(text("local")),
      guess: resultOf(text("guess")),
      problem: text("problem"),
    };
  }
  const { action, to } = fields;
  if (!isAction(action)) return "unreadable";
  return {
    kind: "action",
    ...common,
    action,
    reportOnly: fields["reportOnly"] === true,
    reason: text("reason") ?? "",
    rule: text("rule"),
    line: text("line"),
    to: Array.isArray(to) ? to.filter((one): one is string => typeof one === "string") : [],
  };
}

function resultOf(word: string | undefined): SpfResult | undefined {
  return isResult(word) ? word : undefined;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
