import type { Answer, Outcome, TraceLookup, TraceRecord, TraceTerm } from "spf-check";
import { type OctetString, textOfOctets } from "../address/index.ts";
import { questionKey } from "../dns/index.ts";
import { effectiveResult, type LoggedAnswer, type Report } from "./query.ts";
import { receivedSpfLine } from "./text-report.ts";
import { warningsOf } from "./warnings.ts";
import { whyOf } from "./why.ts";

/** What JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What a line of `--batch` says of an outcome. */
export function batchResult(outcome: Outcome): Record<string, Json> {
  return {
    result: effectiveResult(outcome),
    explanation: outcome.explanation?.text ?? null,
    mechanism: outcome.mechanism === undefined ? null : text(outcome.mechanism),
    lookups: outcome.lookups,
    voids: outcome.voids,
    ...(outcome.problem === undefined ? {} : { problem: outcome.problem }),
  };
}

/** What `--json` says of a check: all that `--trace` shows. */
export function jsonReport(report: Report): Record<string, Json> {
  const { outcome, query, checked, settings } = report;
  const { local, guess, trace } = outcome;
  return {
    ...batchResult(outcome),
    published: outcome.result,
    ip: query.ip.text,
    helo: text(query.helo),
    sender: text(query.sender),
    identity: checked.identity,
    domain: text(outcome.domain),
    path: outcome.path.map(({ domain, term }) => ({ domain: text(domain), term: text(term) })),
    problem: outcome.problem ?? null,
    explanation_source: outcome.explanation?.source ?? null,
    record: outcome.record === undefined ? null : text(outcome.record),
    record_source: outcome.record === undefined ? null : outcome.recordSource,
    local: local === undefined ? null : { result: local.result, mechanism: text(local.mechanism) },
    guess: guess === undefined ? null : { result: guess.result, mechanism: text(guess.mechanism) },
    lookup_limit: settings.limits.lookupLimit,
    void_limit: settings.limits.voidLookupLimit,
    questions: report.asked.length,
    ms: round(report.elapsedMs),
    received_spf: receivedSpfLine(report),
    why: whyOf(report),
    warnings: warningsOf(report).map(({ code, domain, text: words }) => ({ code, domain, text: words })),
    trace: trace === undefined ? null : traceJson(trace, timesOf(report)),
  };
}

/** Octets as JSON holds them: as the UTF-8 they are, else one character for each octet. */
function text(octets: OctetString): string {
  return textOfOctets(octets) ?? octets;
}

const round = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;

type Times = ReadonlyMap<string, LoggedAnswer>;

function timesOf(report: Report): Times {
  return new Map(report.asked.map((answer) => [questionKey(answer.question), answer]));
}

function traceJson(trace: TraceRecord, times: Times): Json {
  return {
    domain: text(trace.domain),
    source: trace.source,
    record: trace.record === undefined ? null : text(trace.record),
    lookup: trace.lookup === undefined ? null : lookupJson(trace.lookup, times),
    terms: trace.terms.map((term) => termJson(term, times)),
    rules: trace.rules === undefined ? null : traceJson(trace.rules, times),
    explanation_lookup:
      trace.explanationLookup === undefined ? null : lookupJson(trace.explanationLookup, times),
    explanation_name_lookups: trace.explanationNameLookups.map((lookup) => lookupJson(lookup, times)),
    result: trace.result,
    problem: trace.problem ?? null,
  };
}

function termJson(term: TraceTerm, times: Times): Json {
  return {
    term: text(term.term),
    target: term.target === undefined ? null : text(term.target),
    matched: term.matched,
    lookups: term.lookups.map((lookup) => lookupJson(lookup, times)),
    lookups_so_far: term.lookupsSoFar,
    voids_so_far: term.voidsSoFar,
    problem: term.problem ?? null,
    nested: term.nested === undefined ? null : traceJson(term.nested, times),
  };
}

function lookupJson({ question, answer, void: isVoid }: TraceLookup, times: Times): Json {
  const logged = times.get(questionKey(question));
  return {
    name: text(question.name),
    type: question.type,
    ...answerJson(answer),
    void: isVoid,
    ms: logged === undefined ? null : round(logged.elapsedMs),
  };
}

function answerJson(answer: Answer): Record<string, Json> {
  switch (answer.status) {
    case "found":
      return {
        status: "found",
        ttl: answer.ttlSeconds,
        records: answer.records.map((record) => {
          if (typeof record === "string") return text(record);
          return "exchange" in record
            ? { preference: record.preference, exchange: text(record.exchange) }
            : record.text;
        }),
      };
    case "nodata":
    case "nxdomain":
      return { status: answer.status, ttl: answer.ttlSeconds };
    case "fault":
      return { status: "fault", problem: answer.problem };
  }
}
