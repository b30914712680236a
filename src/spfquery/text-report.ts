import { receivedSpf } from "../trace-fields/index.ts";
import { drawTree, type Look, paint, type Tone, wrap } from "./layout.ts";
import { effectiveResult, type Report } from "./query.ts";
import { countsText, toneOf, traceTree } from "./trace-tree.ts";
import { warningsOf } from "./warnings.ts";
import { decidedText, whyOf } from "./why.ts";
import { visible } from "./wording.ts";

/** The value of the Received-SPF field in one line. */
export function receivedSpfLine({ query, settings, checked, outcome }: Report): string {
  const helo = query.helo === "" ? "unknown" : query.helo;
  const facts = { receiver: settings.receiver, ip: query.ip, helo, smtputf8: false };
  return receivedSpf(facts, { ...checked, outcome }).replace(/\n[ \t]+/g, " ");
}

/** What every check prints: `result=` and the Received-SPF line. */
export function resultLines(report: Report): string {
  const { outcome } = report;
  const result = effectiveResult(outcome);
  const explanation =
    result === "fail" && outcome.explanation !== undefined ? `: ${outcome.explanation.text}` : "";
  return `result=${result}${explanation}\nReceived-SPF: ${receivedSpfLine(report)}\n`;
}

/** What `--trace` prints below: the tree, what it comes to, why, and what is wrong with the policy. */
export function traceText(report: Report, look: Look): string {
  const { outcome, query, checked } = report;
  const { trace } = outcome;
  const lines: string[] = [];
  const heading =
    checked.identity === "helo"
      ? `HELO ${visible(query.helo)} from ${query.ip.text}`
      : `${visible(checked.sender)} from ${query.ip.text}${query.helo === "" ? "" : `, HELO ${visible(query.helo)}`}`;
  lines.push(paint(look, "strong", heading), "");
  if (trace !== undefined) lines.push(...drawTree(traceTree(report, trace), look), "");
  lines.push(...summary(report, look));
  lines.push("", paint(look, "strong", "Why"));
  for (const paragraph of whyOf(report)) {
    const isItem = paragraph.startsWith("- ");
    lines.push(...indented(isItem ? paragraph.slice(2) : paragraph, isItem ? "    - " : "  ", look));
  }
  const warnings = warningsOf(report);
  if (warnings.length > 0) lines.push("", paint(look, "strong", "Warnings"));
  for (const { domain, text } of warnings)
    lines.push(...indented(`${domain}: ${text}`, "  ! ", look, "doubtful"));
  return `${lines.map((line) => (look.unicode ? line : line.replaceAll("→", "->"))).join("\n")}\n`;
}

function summary(report: Report, look: Look): string[] {
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
    const [first = "", ...rest] = wrap(text, look.width - 10);
    return [
      `${paint(look, "dim", name.padEnd(10))}${paint(look, tone, first)}`,
      ...rest.map((line) => `${" ".repeat(10)}${paint(look, tone, line)}`),
    ];
  });
}

function indented(text: string, mark: string, look: Look, tone: Tone = "plain"): string[] {
  return wrap(text, look.width - mark.length).map((line, i) =>
    i === 0 ? `${paint(look, tone, mark)}${line}` : `${" ".repeat(mark.length)}${line}`,
  );
}
