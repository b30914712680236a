import { receivedSpf } from "../trace-fields/index.ts";
import { drawTree, paint, type Style, spelled, type Tone, wrap } from "./layout.ts";
import { effectiveResult, type Report } from "./query.ts";
import { countsText, toneOf, traceTree } from "./trace-tree.ts";
import { warningsOf } from "./warnings.ts";
import { decidedText, whyOf } from "./why.ts";
import { visible } from "./wording.ts";

/** The value of the Received-SPF field, folded as in a message. */
function receivedSpfField({ query, settings, checked, outcome }: Report): string {
  const helo = query.helo === "" ? "unknown" : query.helo;
  const facts = { receiver: settings.receiver, ip: query.ip, helo, smtputf8: false };
  return receivedSpf(facts, { ...checked, outcome });
}

/** The same in one line. */
export function receivedSpfLine(report: Report): string {
  return receivedSpfField(report).replace(/\n[ \t]+/g, " ");
}

/** What every check prints: `result=` and the Received-SPF field, for a program in one line, for a person folded. */
export function resultLines(report: Report, isFolded: boolean): string {
  const { outcome } = report;
  const result = effectiveResult(outcome);
  const explanation =
    result === "fail" && outcome.explanation !== undefined ? `: ${outcome.explanation.text}` : "";
  const field = isFolded ? receivedSpfField(report) : receivedSpfLine(report);
  return `result=${result}${explanation}\nReceived-SPF: ${field}\n`;
}

/** What `--trace` prints below: the tree, what it comes to, why, and what is wrong with the policy. */
export function traceText(report: Report, style: Style): string {
  const { outcome, query, checked } = report;
  const { trace } = outcome;
  const lines: string[] = [];
  const heading =
    checked.identity === "helo"
      ? `HELO ${visible(query.helo)} from ${query.ip.text}`
      : `${visible(checked.sender)} from ${query.ip.text}${query.helo === "" ? "" : `, HELO ${visible(query.helo)}`}`;
  lines.push(paint(style, "strong", heading), "");
  if (trace !== undefined) lines.push(...drawTree(traceTree(report, trace), style), "");
  lines.push(...summary(report, style));
  lines.push("", paint(style, "strong", "Why"));
  for (const paragraph of whyOf(report)) {
    const isItem = paragraph.startsWith("- ");
    lines.push(...indented(isItem ? paragraph.slice(2) : paragraph, isItem ? "    - " : "  ", style));
  }
  const warnings = warningsOf(report);
  if (warnings.length > 0) lines.push("", paint(style, "strong", "Warnings"));
  for (const { domain, text } of warnings)
    lines.push(...indented(`${domain}: ${text}`, "  ! ", style, "doubtful"));
  return `${lines.join("\n")}\n`;
}

function summary(report: Report, style: Style): string[] {
  const { outcome } = report;
  const rows: (readonly [string, string, Tone])[] = [
    ["Result", outcome.result, toneOf(outcome.result)],
    ["Decided", decidedText(report), "plain"],
    ["Counted", countsText(report), "plain"],
  ];
  if (outcome.local !== undefined) rows.push(["Local", outcome.local.result, toneOf(outcome.local.result)]);
  if (outcome.guess !== undefined) rows.push(["Guess", outcome.guess.result, toneOf(outcome.guess.result)]);
  if (outcome.explanation !== undefined) {
    const whose = outcome.explanation.source === "domain" ? "the domain's own words" : "default";
    rows.push(["Explains", `${outcome.explanation.text} (${whose})`, "plain"]);
  }
  return rows.flatMap(([name, text, tone]) => {
    const [first = "", ...rest] = wrap(spelled(style, text), style.width - 10);
    return [
      `${paint(style, "dim", name.padEnd(10))}${paint(style, tone, first)}`,
      ...rest.map((line) => `${" ".repeat(10)}${paint(style, tone, line)}`),
    ];
  });
}

function indented(text: string, mark: string, style: Style, tone: Tone = "plain"): string[] {
  return wrap(spelled(style, text), style.width - mark.length).map((line, i) =>
    i === 0 ? `${paint(style, tone, mark)}${line}` : `${" ".repeat(mark.length)}${line}`,
  );
}
