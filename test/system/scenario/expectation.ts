/** What a scenario expects of one line, one reply, one field. */
import { isDeepStrictEqual } from "node:util";
import type { SmtpReply } from "../../support/smtp-client.ts";
import type { ScenarioLine } from "./lines.ts";

type Fault = (line: number, reason: string) => Error;

/** A line that is expected: words with `...` for anything, `/pattern/`, or `{json}` that must be contained. */
export interface Expectation {
  readonly source: string;
  matches(actual: string): boolean;
}

/** A reply: `250`, `550 5.7.23`, or code and text of every line; `5xx` for any such code; `closed`. */
export interface ExpectedReply {
  readonly source: string;
  /** `actual` is undefined where the connection ended instead. */
  matches(actual: SmtpReply | undefined): boolean;
}

/** A field, or `any`: any number of fields. */
export type ExpectedField = Expectation | "any";

export function expectation({ number, text }: ScenarioLine, fault: Fault): Expectation {
  const pattern = /^\/(.*)\/$/s.exec(text)?.[1];
  if (pattern !== undefined) {
    const regExp = new RegExp(`^(?:${pattern})$`, "s");
    return { source: text, matches: (actual) => regExp.test(actual) };
  }
  // A text of words may begin with a brace as well, as a placeholder does.
  if (text.startsWith('{"'))
    return { source: text, matches: containsJson(text, () => fault(number, "no JSON")) };
  const words = text.split("...").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const regExp = new RegExp(`^${words.join(".*")}$`, "s");
  return { source: text, matches: (actual) => regExp.test(actual) };
}

function containsJson(text: string, fault: () => Error): (actual: string) => boolean {
  const expected = parseObject(text);
  if (expected === undefined) throw fault();
  return (actual) => {
    const object = parseObject(actual);
    if (object === undefined) return false;
    return Object.entries(expected).every(([name, value]) => isDeepStrictEqual(object[name], value));
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const REPLY_LINE = /^(\d(?:\d\d|xx))(?: (\d\.\d+\.\d+))?(?: (.*))?$/s;

export function expectedReply(lines: readonly ScenarioLine[], fault: Fault): ExpectedReply {
  const source = lines.map(({ text }) => text).join(" / ");
  if (source === "closed") return { source, matches: (actual) => actual === undefined };
  const parts = lines.map(({ number, text }) => {
    const [, code, enhanced, words] = REPLY_LINE.exec(text) ?? [];
    if (code === undefined) throw fault(number, "a reply is `code [enhanced code] [text]`");
    return {
      code,
      enhanced,
      text: words === undefined ? undefined : expectation({ number, text: words }, fault),
    };
  });
  return {
    source,
    matches: (actual) => {
      if (actual === undefined) return false;
      const free = parts.length === 1 && parts[0]?.text === undefined;
      if (!free && actual.lines.length !== parts.length) return false;
      return parts.every((part, index) => {
        const line = actual.lines[index] ?? "";
        const enhanced = /^(\d\.\d+\.\d+)(?: |$)/.exec(line)?.[1];
        const text = enhanced === undefined ? line : line.slice(enhanced.length + 1);
        return (
          (part.code.endsWith("xx") ? part.code[0] === actual.code[0] : part.code === actual.code) &&
          (part.enhanced === undefined || part.enhanced === enhanced) &&
          (part.text === undefined || part.text.matches(text))
        );
      });
    },
  };
}

/** Reads header fields, folded at will, and body lines after `|`. */
export function expectedFields(
  lines: readonly ScenarioLine[],
  fault: Fault,
): { fields: ExpectedField[]; body: string[] | undefined } {
  const fields: ScenarioLine[] = [];
  let body: string[] | undefined;
  for (const { number, text } of lines) {
    const last = fields.at(-1);
    if (text === "|" || text.startsWith("| ")) (body ??= []).push(text.slice(2));
    else if (/^\s/.test(text) && last !== undefined) {
      fields[fields.length - 1] = { number: last.number, text: `${last.text} ${text.trim()}` };
    } else fields.push({ number, text });
  }
  return {
    fields: fields.map((line) =>
      line.text === "..."
        ? "any"
        : expectation(
            { ...line, text: line.text.startsWith("/") ? line.text : plainField(line.text) },
            fault,
          ),
    ),
    body,
  };
}

/** A field on one line, white space made single, the name in lower case: MTAs fold and spell as they like. */
export function plainField(field: string): string {
  const line = field.replace(/\s+/g, " ").trim();
  return line.replace(/^[^: ]+ ?: ?/, (name) => `${name.replace(/ ?: ?$/, "").toLowerCase()}: `).trim();
}

/** Whether the fields are the expected ones, in their order. */
export function fieldsMatch(expected: readonly ExpectedField[], actual: readonly string[]): boolean {
  const [first, ...others] = expected;
  if (first === undefined) return actual.length === 0;
  if (first !== "any") {
    return actual[0] !== undefined && first.matches(actual[0]) && fieldsMatch(others, actual.slice(1));
  }
  if (others.length === 0) return true;
  return actual.some((_, at) => fieldsMatch(others, actual.slice(at))) || fieldsMatch(others, []);
}
