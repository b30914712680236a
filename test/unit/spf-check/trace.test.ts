import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TraceRecord } from "spf-check";
import { check, mechanisms, NO_POLICY, publishing } from "./support.ts";

/** A trace in lines, indented. */
function lines(trace: TraceRecord, indent = ""): string[] {
  const lookup =
    trace.lookup === undefined ? "" : ` by ${trace.lookup.question.type} ${trace.lookup.answer.status}`;
  return [
    `${indent}${trace.domain} (${trace.source})${lookup}: ${trace.record ?? "-"} = ${trace.result}`,
    ...trace.terms.flatMap((term) => [
      `${indent}  ${term.term} [${term.target ?? ""}] ${term.matched ? "yes" : "no"} ${term.lookupsSoFar}/${term.voidsSoFar}${
        term.problem === undefined ? "" : " problem"
      }`,
      ...term.lookups.map(
        ({ question, answer, void: nothing }) =>
          `${indent}    ${question.type} ${question.name} ${answer.status}${nothing ? " void" : ""}`,
      ),
      ...(term.nested === undefined ? [] : lines(term.nested, `${indent}    `)),
    ]),
    ...(trace.rules === undefined ? [] : lines(trace.rules, `${indent}  rules: `)),
    ...(trace.explanationLookup === undefined
      ? []
      : [
          `${indent}  exp= ${trace.explanationLookup.question.name} ${trace.explanationLookup.answer.status}`,
        ]),
  ];
}

describe("trace", () => {
  it("is not built where it is not asked for", () => {
    assert.equal(check(publishing("v=spf1 a -all")).outcome.trace, undefined);
    assert.equal(check({}, { domain: "localhost" }).outcome.trace, undefined);
  });

  it("shows records, terms, lookups, counts, rules and the explanation", () => {
    const zone = publishing("v=spf1 ip4:192.0.2.2 a:%{d2}.gone.test include:in.test -all exp=e.test", {
      "in.test": [{ TXT: "v=spf1 mx ~all" }, { MX: [1, "m.test"] }],
      "m.test": [{ A: "192.0.2.9" }],
    });
    const localPolicy = { ...NO_POLICY, rules: mechanisms("exists:l.test") };
    const { trace } = check(zone, { trace: true, localPolicy }).outcome;
    assert.ok(trace !== undefined);
    assert.deepEqual(lines(trace), [
      "example.test (published) by TXT found: v=spf1 ip4:192.0.2.2 a:%{d2}.gone.test include:in.test -all exp=e.test = fail",
      "  ip4:192.0.2.2 [] no 0/0",
      "  a:%{d2}.gone.test [example.test.gone.test] no 1/1",
      "    A example.test.gone.test nxdomain void",
      "  include:in.test [in.test] no 3/1",
      "    in.test (published) by TXT found: v=spf1 mx ~all = softfail",
      "      mx [in.test] no 3/1",
      "        MX in.test found",
      "        A m.test found",
      "      ~all [] yes 3/1",
      "  -all [] yes 3/1",
      "  rules: example.test (local policy): exists:l.test = none",
      "  rules:   exists:l.test [l.test] no 1/1",
      "  rules:     A l.test nxdomain void",
      "  exp= e.test nxdomain",
    ]);
  });

  it("shows where an evaluation broke off", () => {
    const { trace } = check(
      publishing("v=spf1 redirect=r.test", {
        "r.test": [{ TXT: "v=spf1 a:lost.test" }],
        "lost.test": ["SERVFAIL"],
      }),
      {
        trace: true,
      },
    ).outcome;
    assert.ok(trace !== undefined);
    assert.deepEqual(lines(trace), [
      "example.test (published) by TXT found: v=spf1 redirect=r.test = temperror",
      "  redirect=r.test [r.test] no 2/0 problem",
      "    r.test (published) by TXT found: v=spf1 a:lost.test = temperror",
      "      a:lost.test [lost.test] no 2/0 problem",
      "        A lost.test fault",
    ]);
  });

  it("shows guess rules, then local rules, where nothing is published", () => {
    const localPolicy = { ...NO_POLICY, guess: mechanisms("ip4:192.0.2.2"), rules: mechanisms("-all") };
    const { trace } = check({}, { trace: true, localPolicy }).outcome;
    assert.ok(trace !== undefined);
    assert.deepEqual(lines(trace), [
      "example.test (published) by TXT nxdomain: - = none",
      "  rules: example.test (guess): ip4:192.0.2.2 = none",
      "  rules:   ip4:192.0.2.2 [] no 0/0",
      "  rules:   rules: example.test (local policy): -all = fail",
      "  rules:   rules:   -all [] yes 0/0",
    ]);
  });
});
