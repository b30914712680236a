import {
  type LookupLimits,
  type PathStep,
  parseRecord,
  type SpfResult,
  type TraceLookup,
  type TraceRecord,
  type TraceTerm,
} from "spf-check";
import { questionKey } from "../dns/index.ts";
import { receivedSpf } from "../trace-fields/index.ts";
import { type Branch, drawTree, type Line, paint, type Style, spelled, type Tone, wrap } from "./layout.ts";
import { effectiveResult, type LoggedAnswer, type Report } from "./query.ts";
import { warningsOf } from "./warnings.ts";
import { decidedText, whyOf } from "./why.ts";
import { answerText, counted, duration, policyAnswerText, questionText, visible } from "./wording.ts";

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

/** `3 of 10 lookups, 0 of 2 void; 5 questions in 12 ms`. */
function countsText(report: Report): string {
  const { outcome, settings } = report;
  const { lookupLimit, voidLookupLimit } = settings.limits;
  return (
    `${outcome.lookups} of ${lookupLimit} lookups, ${outcome.voids} of ${voidLookupLimit} void; ` +
    `${counted(report.asked.length, "DNS question")}, ${duration(report.elapsedMs)}`
  );
}

function indented(text: string, mark: string, style: Style, tone: Tone = "plain"): string[] {
  return wrap(spelled(style, text), style.width - mark.length).map((line, i) =>
    i === 0 ? `${paint(style, tone, mark)}${line}` : `${" ".repeat(mark.length)}${line}`,
  );
}

/** The tone of a result. */
function toneOf(result: SpfResult): Tone {
  switch (result) {
    case "pass":
      return "good";
    case "fail":
      return "bad";
    case "softfail":
    case "neutral":
    case "none":
      return "doubtful";
    case "temperror":
    case "permerror":
      return "broken";
  }
}

/** The tree of an evaluation: records, their terms, the lookups of each. */
function traceTree(report: Report, trace: TraceRecord): Branch {
  return new TreeBuilder(report).record(trace, visible(trace.domain));
}

/** Builds branches from left to right: the counts and the questions already seen go along. */
class TreeBuilder {
  readonly #limits: LookupLimits;
  readonly #times: ReadonlyMap<string, LoggedAnswer>;
  readonly #path: readonly PathStep[];
  readonly #shown = new Set<string>();
  #lookups = 0;
  #voids = 0;

  constructor(report: Report) {
    this.#limits = report.settings.limits;
    this.#path = report.outcome.path;
    this.#times = new Map(report.asked.map((answer) => [questionKey(answer.question), answer]));
  }

  record(trace: TraceRecord, name: string): Branch {
    const details: Line[] = [];
    if (trace.lookup !== undefined) details.push(this.#lookup(trace.lookup, policyAnswerText(trace.lookup)));
    if (trace.source !== "published" && trace.record !== undefined) {
      details.push(plain(`${SOURCES[trace.source]}: "${visible(trace.record)}"`, "plain"));
    }
    const branches = trace.terms.map((term) => this.#term(term, trace));
    branches.push(...this.#unreached(trace));
    if (trace.rules !== undefined) branches.push(this.#rules(trace.rules));
    branches.push(...this.#explanation(trace));
    const said =
      trace.lookup?.answer.status === "fault" || trace.terms.some((term) => term.problem !== undefined);
    if (trace.problem !== undefined && !said) {
      details.push(plain(trace.problem, "broken"));
    }
    return { ...plain(name, "strong"), details, branches };
  }

  #term(term: TraceTerm, record: TraceRecord): Branch {
    // An include counts itself before what is inside it.
    const counts =
      term.nested === undefined || term.nested.terms.length === 0
        ? this.#counts(term)
        : this.#counts({ lookupsSoFar: term.lookupsBefore, voidsSoFar: term.voidsBefore });
    const inner = term.nested === undefined ? undefined : this.record(term.nested, "");
    const nestedLookup = term.nested?.lookup;
    const isNested = (lookup: TraceLookup): boolean =>
      nestedLookup !== undefined && questionKey(lookup.question) === questionKey(nestedLookup.question);
    const lookups = term.lookups
      .filter((lookup) => !isNested(lookup))
      .map((lookup) => this.#lookup(lookup, answerText(lookup.question, lookup.answer)));
    const details = [...lookups, ...(inner?.details ?? [])];
    if (term.problem !== undefined && !hasInnerProblem(term)) details.push(plain(term.problem, "broken"));
    const end = this.#endOf(term, record);
    const target = targetOf(term);
    return {
      text: `${visible(term.term)}${target}`,
      tone: end.tone,
      note: [end.text, ...counts].join(" · "),
      noteTone: end.tone === "plain" ? "dim" : end.tone,
      details,
      branches: inner?.branches ?? [],
    };
  }

  /** What came of a term; the one that decided stands out. */
  #endOf(term: TraceTerm, record: TraceRecord): { readonly text: string; readonly tone: Tone } {
    const inside = term.nested?.result;
    if (term.problem !== undefined) return { text: record.result, tone: "broken" };
    if (!term.matched) {
      return { text: inside === undefined ? "no match" : `no match (${inside} inside)`, tone: "plain" };
    }
    const step = this.#path.findIndex(
      ({ domain, term: text }) => domain === record.domain && text === term.term,
    );
    if (step === -1) return { text: `matches: ${record.result}`, tone: "plain" };
    const verb = step === this.#path.length - 1 ? "decides" : "matches";
    return { text: `${verb}: ${record.result}`, tone: toneOf(record.result) };
  }

  /** The running counts, where the term has moved them. */
  #counts(term: Pick<TraceTerm, "lookupsSoFar" | "voidsSoFar">): string[] {
    const counts: string[] = [];
    if (term.lookupsSoFar > this.#lookups) {
      counts.push(`lookup ${term.lookupsSoFar}/${this.#limits.lookupLimit}`);
    }
    if (term.voidsSoFar > this.#voids) counts.push(`void ${term.voidsSoFar}/${this.#limits.voidLookupLimit}`);
    this.#lookups = Math.max(this.#lookups, term.lookupsSoFar);
    this.#voids = Math.max(this.#voids, term.voidsSoFar);
    return counts;
  }

  #lookup(lookup: TraceLookup, answer: string): Line {
    const key = questionKey(lookup.question);
    const logged = this.#times.get(key);
    const again = this.#shown.has(key);
    this.#shown.add(key);
    return {
      text: `${questionText(lookup.question)} → ${answer}`,
      tone: lookup.answer.status === "fault" ? "broken" : lookup.void ? "doubtful" : "dim",
      note: again ? "known" : logged === undefined ? "" : duration(logged.elapsedMs),
      noteTone: "dim",
    };
  }

  /** What follows in the record after the directive that decided. */
  #unreached(trace: TraceRecord): Branch[] {
    const parsed = trace.record === undefined ? undefined : parseRecord(trace.record);
    if (parsed === undefined || "fault" in parsed || trace.problem !== undefined) return [];
    const done = new Set(trace.terms.map(({ term }) => term));
    const { directives, redirect } = parsed.record;
    const rest = directives.slice(trace.terms.filter(({ term }) => term !== redirect?.text).length);
    const texts = rest.map(({ text }) => text);
    if (redirect !== undefined && !done.has(redirect.text)) texts.push(redirect.text);
    return texts.map((text) => ({
      ...plain(visible(text), "dim"),
      note: "not reached",
      details: [],
      branches: [],
    }));
  }

  /** The operator's rules have counts of their own. */
  #rules(rules: TraceRecord): Branch {
    const outer = { lookups: this.#lookups, voids: this.#voids };
    this.#lookups = this.#voids = 0;
    const branch = this.record(rules, rules.source === "guess" ? "guess rules" : "local rules");
    this.#lookups = outer.lookups;
    this.#voids = outer.voids;
    return branch;
  }

  #explanation({ explanationLookup, explanationNameLookups }: TraceRecord): Branch[] {
    const lookups = [explanationLookup, ...explanationNameLookups].filter((lookup) => lookup !== undefined);
    if (lookups.length === 0) return [];
    const details = lookups.map((lookup) => this.#lookup(lookup, answerText(lookup.question, lookup.answer)));
    return [{ ...plain("explanation (exp=)", "plain"), details, branches: [] }];
  }
}

const SOURCES: Record<Exclude<TraceRecord["source"], "published">, string> = {
  override: "override record",
  fallback: "fallback record",
  "local policy": "given",
  guess: "given",
};

const plain = (text: string, tone: Tone): Line => ({ text, tone, note: "", noteTone: "dim" });

function hasInnerProblem(term: TraceTerm): boolean {
  return term.nested?.problem !== undefined;
}

/** The name that macros came to, where it is not what is written. */
function targetOf(term: TraceTerm): string {
  return term.target !== undefined && term.term.includes("%") ? `  = ${visible(term.target)}` : "";
}
