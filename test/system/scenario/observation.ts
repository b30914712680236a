/** What came of a scenario, and how it differs from what was expected. */
import type { SmtpReply } from "../../support/smtp-client.ts";
import { fieldsMatch, plainField } from "./expectation.ts";
import type { ExpectedMessage, Scenario } from "./scenario.ts";
import type { Step } from "./steps.ts";

/** One step and what was answered; undefined: the connection ended. */
export interface Exchange {
  readonly step: Step;
  readonly reply: SmtpReply | undefined;
}

/** A message as it lies in a mailbox, in octets, with any kind of line ends. */
export type DeliveredText = string;

/** A line of smf-spf's log. */
export interface LoggedLine {
  /** `notice`, `info` …; undefined where it cannot be seen. */
  readonly level: string | undefined;
  readonly text: string;
}

export interface Observation {
  readonly exchanges: readonly Exchange[];
  /** By local part, in the order of delivery. */
  readonly delivered: ReadonlyMap<string, readonly DeliveredText[]>;
  readonly held: readonly { readonly recipients: readonly string[]; readonly reason: string | undefined }[];
  readonly log: readonly LoggedLine[];
  /** What else may explain a failure. */
  readonly notes?: readonly string[];
}

/** Everything that differs, in words; empty where nothing does. */
export function differences(scenario: Scenario, observed: Observation): string[] {
  return [
    ...replyDifferences(observed),
    ...deliveryDifferences(scenario, observed),
    ...heldDifferences(scenario, observed),
    ...logDifferences(scenario, observed),
  ];
}

/** The session as it went, to be read after a failure. */
export function transcript({ exchanges, log, notes = [] }: Observation): string {
  const session = exchanges.flatMap(({ step, reply }) => [
    `  ${step.line}: ${describe(step)}`,
    ...(reply === undefined ? ["     < closed"] : reply.lines.map((line) => `     < ${reply.code} ${line}`)),
  ]);
  return [
    ...session,
    ...log.map(({ level, text }) => `  log: ${level ?? "-"} ${text}`),
    ...notes.map((note) => `  note: ${note}`),
  ].join("\n");
}

function describe({ action }: Step): string {
  switch (action.kind) {
    case "command":
      return action.text;
    case "connect":
      return `connect ${action.address}`;
    case "data":
    case "unfinished":
      return "DATA";
    default:
      return action.kind;
  }
}

function replyDifferences({ exchanges }: Observation): string[] {
  return exchanges.flatMap(({ step, reply }) => {
    const wanted = step.expected?.source ?? "a reply that refuses nothing";
    const ends = step.action.kind === "disconnect" || step.action.kind === "unfinished";
    const good =
      step.expected === undefined ? ends || /^[23]/.test(reply?.code ?? "") : step.expected.matches(reply);
    if (good) return [];
    const got =
      reply === undefined ? "closed" : reply.lines.map((line) => `${reply.code} ${line}`).join(" / ");
    return [`line ${step.line}, ${describe(step)}: expected ${wanted}, got ${got}`];
  });
}

function deliveryDifferences({ delivered }: Scenario, observed: Observation): string[] {
  const expected = new Map<string, ExpectedMessage[]>();
  for (const message of delivered) {
    for (const box of message.boxes) expected.set(box, [...(expected.get(box) ?? []), message]);
  }
  const boxes = [...new Set([...expected.keys(), ...observed.delivered.keys()])];
  return boxes.flatMap((box) => {
    const wanted = expected.get(box) ?? [];
    const got = observed.delivered.get(box) ?? [];
    if (wanted.length !== got.length) {
      const seen = got.map((text) => `\n${text}`).join("");
      return [`mailbox ${box}: expected ${wanted.length} messages, got ${got.length}${seen}`];
    }
    return wanted.flatMap((message, index) => messageDifferences(box, message, got[index] ?? ""));
  });
}

function messageDifferences(box: string, expected: ExpectedMessage, text: DeliveredText): string[] {
  const { fields, body } = splitMessage(text);
  const found: string[] = [];
  if (!fieldsMatch(expected.fields, fields)) {
    const wanted = expected.fields.map((field) => (field === "any" ? "..." : field.source));
    found.push(
      `mailbox ${box}: expected the fields\n    ${wanted.join("\n    ")}\n  got\n    ${fields.join("\n    ")}`,
    );
  }
  if (expected.body !== undefined && expected.body.join("\n") !== body.join("\n")) {
    found.push(
      `mailbox ${box}: expected the body ${JSON.stringify(expected.body)}, got ${JSON.stringify(body)}`,
    );
  }
  return found;
}

/** The fields, made plain, and the lines of the body. */
export function splitMessage(text: string): { fields: string[]; body: string[] } {
  const unix = text.replace(/\r\n/g, "\n");
  const end = unix.startsWith("\n") ? 0 : unix.indexOf("\n\n") + 1;
  const head = end === 0 && !unix.startsWith("\n") ? unix : unix.slice(0, end);
  const fields = head.split(/\n(?![ \t])/).filter((field) => field.trim() !== "");
  const body = unix.slice(head.length + 1).replace(/\n$/, "");
  return { fields: fields.map(plainField), body: body === "" ? [] : body.split("\n") };
}

function heldDifferences({ held }: Scenario, observed: Observation): string[] {
  const found: string[] = [];
  if (held.length !== observed.held.length) {
    found.push(`expected ${held.length} messages held, got ${observed.held.length}`);
  }
  held.forEach((expected, index) => {
    const got = observed.held[index];
    if (got === undefined) return;
    const recipients = got.recipients.map(localPart).sort().join(" ");
    if (recipients !== [...expected.recipients].sort().join(" ")) {
      found.push(`expected held for ${expected.recipients.join(" ")}, got ${recipients}`);
    }
    if (expected.reason !== undefined && got.reason !== undefined && !expected.reason.matches(got.reason)) {
      found.push(`expected held because of ${expected.reason.source}, got ${got.reason}`);
    }
  });
  return found;
}

/** What is before the last `@`, without angle brackets. */
export function localPart(path: string): string {
  const address = path.replace(/^<|>$/g, "");
  const at = address.lastIndexOf("@");
  return at < 0 ? address : address.slice(0, at);
}

function logDifferences({ log }: Scenario, observed: Observation): string[] {
  if (log === undefined) return [];
  const lines = observed.log;
  const good =
    log.length === lines.length &&
    log.every((expected, index) => {
      const { level, text } = lines[index] ?? { level: undefined, text: "" };
      const [, wantedLevel, wantedText] =
        /^(error|warning|notice|info|debug) (.*)$/s.exec(expected.source) ?? [];
      if (wantedLevel === undefined || wantedText === undefined) return expected.matches(text);
      return (level === undefined || level === wantedLevel) && expected.matches(`${wantedLevel} ${text}`);
    });
  if (good) return [];
  const got = lines.map(({ level, text }) => `${level ?? "-"} ${text}`);
  return [
    `expected the log\n    ${log.map(({ source }) => source).join("\n    ")}\n  got\n    ${got.join("\n    ")}`,
  ];
}
