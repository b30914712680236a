import type { ActionEvent, FilterEvent, MailFacts, ResultEvent } from "../filter/index.ts";
import { boundedLine, fieldValue, quotedValue, TEXT_OCTETS_MAX } from "./printable.ts";
import type { LogLevel } from "./sink.ts";

/** The formats of text; `json` is another matter. */
export type TextFormat = "classic" | "2.5" | "detailed";

/** The priority of an event: what is ordinary or told again is info, the rest notice. */
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
