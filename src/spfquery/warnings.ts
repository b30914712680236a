import {
  isSpfRecord,
  type LookupLimits,
  parseMacroString,
  parseRecord,
  type SpfRecord,
  type TraceRecord,
} from "spf-check";
import type { OctetString } from "../address/index.ts";
import { isOneSlipAway } from "../config/index.ts";
import { type Report, recordsOf, termsOf } from "./query.ts";
import { answerText, counted, policyAnswerText, questionText, textRecords, visible } from "./wording.ts";

/** Something about a policy that works badly, will stop working, or does not do what it seems to. */
export interface Warning {
  /** For programs: does not change with the wording. */
  readonly code: WarningCode;
  readonly domain: string;
  readonly text: string;
}

export type WarningCode =
  | "two-records"
  | "not-a-record"
  | "long-record"
  | "large-answer"
  | "permits-all"
  | "wide-network"
  | "ptr"
  | "after-all"
  | "redirect-with-all"
  | "no-end"
  | "unknown-modifier"
  | "misspelt"
  | "include-unreachable"
  | "void-lookup"
  | "loop"
  | "explanation"
  | "lookups"
  | "voids";

/** A record with the name of its domain should fit a UDP answer of 512 octets (RFC 7208 section 3.4). */
const RECORD_OCTETS_MAX = 450;
const UDP_OCTETS_MAX = 512;
/** A policy that takes more has no end: it leads back to itself, and the warning says so. */
const LOOKUPS_COUNTED_MAX = 100;
/** An IPv4 network so wide permits strangers. */
const WIDE_PREFIX = 8;

/** All warnings about what a check has seen. */
export function warningsOf(report: Report): Warning[] {
  const { outcome, survey, settings } = report;
  const traces = [outcome.trace, survey?.trace].flatMap((trace) => trace ?? []);
  const found: Warning[] = traces.flatMap((trace) => [
    ...[...recordsOf(trace)].flatMap((record) => recordWarnings(record, record === trace)),
    ...lookupWarnings(trace),
    ...loopWarnings(trace, []),
  ]);
  found.push(...limitWarnings(report, settings.limits));
  const seen = new Set<string>();
  return found.filter(({ code, domain, text }) => {
    const key = `${code} ${domain.toLowerCase()} ${text}`;
    return !seen.has(key) && seen.add(key);
  });
}

function recordWarnings(trace: TraceRecord, outermost: boolean): Warning[] {
  const domain = visible(trace.domain);
  const warnings: Warning[] = [];
  const warn = (code: WarningCode, text: string): void => {
    warnings.push({ code, domain, text });
  };
  answerWarnings(trace, warn);
  if (trace.record === undefined) return warnings;
  if (trace.record.length > RECORD_OCTETS_MAX) {
    warn(
      "long-record",
      `the record has ${trace.record.length} octets; records over ${RECORD_OCTETS_MAX} may not fit into a DNS answer`,
    );
  }
  const parsed = parseRecord(trace.record);
  if ("fault" in parsed) {
    const meant = meantMechanism(parsed.fault.term.replace(/^[-+~?]/, ""));
    if (meant !== undefined) warn("misspelt", `${visible(parsed.fault.term)}; did you mean ${meant}?`);
    return warnings;
  }
  parsedWarnings(parsed.record, outermost, warn);
  if (parsed.record.explanation !== undefined && trace.explanationLookup !== undefined) {
    explanationWarnings(trace, warn);
  }
  return warnings;
}

type Warn = (code: WarningCode, text: string) => void;

/** What the TXT lookup of a policy tells. */
function answerWarnings({ lookup }: TraceRecord, warn: Warn): void {
  const texts = lookup === undefined ? undefined : textRecords(lookup);
  if (lookup === undefined || texts === undefined) return;
  // The identical record twice is one record (RFC 2181 section 5).
  const records = [...new Set(texts.filter(isSpfRecord))];
  if (records.length > 1) {
    warn(
      "two-records",
      `${records.length} SPF records are published, and only one is allowed: ${policyAnswerText(lookup)}`,
    );
  }
  for (const text of texts) {
    if (!isSpfRecord(text) && looksLikeRecord(text)) {
      warn(
        "not-a-record",
        `"${visible(text).slice(0, 80)}" looks like an SPF record, but does not begin with "v=spf1 "`,
      );
    }
  }
  const size = txtAnswerOctets(lookup.question.name, texts);
  if (size > UDP_OCTETS_MAX) {
    warn(
      "large-answer",
      `the TXT answer has about ${size} octets: over ${UDP_OCTETS_MAX} it needs EDNS0 or TCP, which some networks drop`,
    );
  }
}

function looksLikeRecord(text: OctetString): boolean {
  return /^[\s"'\u00a0]*v?\s*=?\s*spf\s*1?\b|^v=spf/i.test(text);
}

/** The size of a TXT answer with its question, names compressed, without EDNS0. */
function txtAnswerOctets(name: OctetString, texts: readonly OctetString[]): number {
  const header = 12 + name.length + 2 + 4;
  return texts.reduce(
    (sum, text) => sum + 12 + text.length + Math.max(1, Math.ceil(text.length / 255)),
    header,
  );
}

function parsedWarnings(record: SpfRecord, outermost: boolean, warn: Warn): void {
  const { directives, redirect, unknownModifiers } = record;
  const all = directives.findIndex(({ mechanism }) => mechanism.kind === "all");
  for (const { mechanism, qualifier, text } of directives) {
    if (mechanism.kind === "all" && qualifier === "+") {
      warn("permits-all", `${visible(text)} lets every host on the Internet send`);
    } else if (mechanism.kind === "ip4" && qualifier === "+" && mechanism.prefixLength <= WIDE_PREFIX) {
      warn(
        "wide-network",
        `${visible(text)} permits ${(2 ** (32 - mechanism.prefixLength)).toLocaleString("en-US")} addresses`,
      );
    } else if (mechanism.kind === "ptr") {
      warn(
        "ptr",
        `${visible(text)} is slow and unreliable, and should not be published (RFC 7208 section 5.5)`,
      );
    }
  }
  if (all !== -1 && all < directives.length - 1) {
    const ignored = directives.slice(all + 1).map(({ text }) => visible(text));
    warn(
      "after-all",
      `nothing after ${visible(directives[all]?.text ?? "")} is evaluated: ${ignored.join(" ")}`,
    );
  }
  if (all !== -1 && redirect !== undefined) {
    warn("redirect-with-all", `${visible(redirect.text)} is ignored, because the record has all`);
  }
  if (all === -1 && redirect === undefined && outermost) {
    warn("no-end", "the record ends without all or redirect=, so every other host is neutral");
  }
  for (const { name, text } of unknownModifiers) {
    const meant = similarMechanism(name) ?? (isOneSlipAway(name, "redirect") ? "redirect=" : undefined);
    warn(
      "unknown-modifier",
      `${visible(text)} is an unknown modifier and ignored${meant === undefined ? "" : `; did you mean ${meant}?`}`,
    );
  }
}

const MECHANISMS: Readonly<Record<string, string>> = {
  all: "all",
  include: "include:",
  a: "a:",
  mx: "mx:",
  ptr: "ptr:",
  ip4: "ip4:",
  ip6: "ip6:",
  exists: "exists:",
  // What people write instead.
  ipv4: "ip4:",
  ip: "ip4:",
  ipv6: "ip6:",
  aaaa: "a:",
  includes: "include:",
  mxs: "mx:",
};

/** The mechanism that a term in error was meant to be; undefined where the name is right and what follows is wrong. */
function meantMechanism(term: string): string | undefined {
  const [name = ""] = term.split(/[:/=]/);
  const meant = similarMechanism(name);
  const isName = meant === name.toLowerCase() || meant === `${name.toLowerCase()}:`;
  // A bare "include" lacks its colon.
  return isName && name !== term ? undefined : meant;
}

/** The mechanism that a wrong name was meant to be, where it looks like one. */
function similarMechanism(written: string): string | undefined {
  const name = written.toLowerCase();
  const known = MECHANISMS[name];
  if (known !== undefined) return known;
  const near = Object.keys(MECHANISMS).find((one) => one.length > 2 && isOneSlipAway(name, one));
  return near === undefined ? undefined : MECHANISMS[near];
}

function explanationWarnings(trace: TraceRecord, warn: Warn): void {
  const lookup = trace.explanationLookup;
  if (lookup === undefined) return;
  const texts = textRecords(lookup);
  const what = questionText(lookup.question);
  if (texts === undefined)
    warn("explanation", `exp= gives no explanation: ${what}: ${answerText(lookup.question, lookup.answer)}`);
  else if (new Set(texts).size > 1)
    warn("explanation", `exp= gives no explanation: ${what} has ${new Set(texts).size} records`);
  else if (/[^\x20-\x7e]/.test(texts[0] ?? ""))
    warn("explanation", `exp= gives no explanation: ${what} is not all ASCII`);
  else {
    const parsed = parseMacroString(texts[0] ?? "", "explanation");
    if ("fault" in parsed) warn("explanation", `exp= gives no explanation: ${what}: ${parsed.fault.reason}`);
  }
}

/** Includes that lead nowhere, and lookups that find nothing. */
function lookupWarnings(trace: TraceRecord): Warning[] {
  return [...termsOf(trace)].flatMap(({ record, term }): Warning[] => {
    const domain = visible(record.domain);
    const written = visible(term.term);
    const nested = term.nested;
    if (nested !== undefined && nested.record === undefined && nested.lookup !== undefined) {
      return [
        { code: "include-unreachable", domain, text: `${written}: ${policyAnswerText(nested.lookup)}` },
      ];
    }
    return (
      term.lookups
        // That the name does not exist is what exists: and ptr: are about.
        .filter(
          (lookup) => lookup.void && lookup.question.type !== "PTR" && !/^[-+~?]?exists:/i.test(term.term),
        )
        .map((lookup) => ({
          code: "void-lookup" as const,
          domain,
          text: `${written}: ${questionText(lookup.question)}: ${answerText(lookup.question, lookup.answer)}`,
        }))
    );
  });
}

function loopWarnings(trace: TraceRecord, outer: readonly string[]): Warning[] {
  const name = trace.domain.toLowerCase();
  if (outer.includes(name)) {
    const way = [...outer.slice(outer.indexOf(name)), name].map(visible).join(" → ");
    return [{ code: "loop", domain: visible(trace.domain), text: `the record leads back to itself: ${way}` }];
  }
  return trace.terms.flatMap(({ nested }) =>
    nested === undefined ? [] : loopWarnings(nested, [...outer, name]),
  );
}

function limitWarnings({ outcome, survey, checked }: Report, limits: LookupLimits): Warning[] {
  const domain = visible(checked.domain);
  const warnings: Warning[] = [];
  const lookups = Math.max(outcome.lookups, survey?.lookups ?? 0);
  const voids = Math.max(outcome.voids, survey?.voids ?? 0);
  const { lookupLimit, voidLookupLimit } = limits;
  if (lookups > lookupLimit && lookups < LOOKUPS_COUNTED_MAX) {
    const text = `the whole policy takes ${counted(lookups, "lookup")}, and only ${lookupLimit} are allowed: clients that match late, or not at all, get permerror`;
    warnings.push({ code: "lookups", domain, text });
  } else if (lookupLimit > 2 && (lookups === lookupLimit || lookups === lookupLimit - 1)) {
    const text = `the policy takes ${lookups} of ${lookupLimit} lookups: an include that grows breaks it`;
    warnings.push({ code: "lookups", domain, text });
  }
  if (voids > voidLookupLimit) {
    const text = `${counted(voids, "lookup")} of the policy find nothing, and only ${voidLookupLimit} may: permerror for many clients`;
    warnings.push({ code: "voids", domain, text });
  } else if (voids > 0 && voids === voidLookupLimit) {
    warnings.push({
      code: "voids",
      domain,
      text: `${counted(voids, "lookup")} find nothing; one more makes it permerror`,
    });
  }
  return warnings;
}
