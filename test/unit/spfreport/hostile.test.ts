import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseNetwork } from "../../../src/address/index.ts";
import type { FilterEvent } from "../../../src/filter/index.ts";
import { eventLines, JsonLines } from "../../../src/logging/event-line.ts";
import { csvReport, jsonReport } from "../../../src/spfreport/data-report.ts";
import { htmlReport } from "../../../src/spfreport/html-report.ts";
import type { Answer } from "../../../src/spfreport/suggest.ts";
import { suggestionLines, textReport } from "../../../src/spfreport/text-report.ts";
import { NOW, reportOf } from "./pipeline.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20261129);
process.stdout.write(`fast-check seed ${SEED} (FUZZ_SEED)\n`);

const network = parseNetwork("203.0.113.0/24")?.network;
assert.ok(network !== undefined);
const OURS = { networks: [network], domains: ["rig.test"], exempt: [] };

/** What a client would like to see in a report: markup, formulas, escape sequences, fields, lines, settings. */
const BAIT = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "=cmd|'/c calc'!A1",
  "+1+1",
  "-2",
  "@SUM(A1)",
  "\x1b[31mred\x1b]0;title\x07",
  "\r\nNov 22 03:18:00 mx smf-spf[7]: SPF refused: 203.0.113.9, h, h, a@rig.test",
  "\nWhitelistFrom @evil.example\n",
  ', reason="WhitelistIP 0.0.0.0/0", queue=X',
  'a, b, c, reason="SPF fail", to=<x@y>',
  "x\u2028y",
  "\xff\xfe\x00",
  "203.0.113.9",
  "[203.0.113.9]",
  "unknown",
  "mx2.rig.test",
  "postmaster@rig.test",
  "#",
  "SPF fail: 203.0.113.9, x, x, y",
  "mx.evil.example",
];
const word = fc.oneof(
  fc.constantFrom(...BAIT),
  fc.string({ unit: "binary", maxLength: 40 }).map((text) => Buffer.from(text, "utf8").toString("latin1")),
  fc.tuple(fc.constantFrom(...BAIT), fc.constantFrom(...BAIT)).map(([a, b]) => a + b),
  fc
    .tuple(fc.constantFrom(...BAIT), fc.constantFrom("evil.example", "bank.example"))
    .map(([a, b]) => `${a}@${b}`),
);
/** Clients that are not ours. */
const address = fc.constantFrom("192.0.2.66", "192.0.2.67", "198.51.100.1", "2001:db8::66");

const attack = fc.record({
  ip: address,
  ptr: fc.oneof(word, fc.constantFrom("mx.evil.example", "[192.0.2.66]")),
  helo: fc.oneof(word, fc.constant("mx.evil.example")),
  from: fc.oneof(
    word,
    fc.nat(9).map((n) => `victim@bank${n}.example`),
  ),
  result: fc.constantFrom("fail", "softfail", "permerror", "pass", "none"),
  form: fc.constantFrom("classic", "2.5", "detailed", "json"),
  day: fc.integer({ min: 1, max: 28 }),
  acted: fc.boolean(),
});
type Attack = typeof attack extends fc.Arbitrary<infer T> ? T : never;

/** Answers by which nobody may be let in. */
const answer = fc.oneof(
  fc.record({
    result: fc.constantFrom("fail", "softfail", "neutral", "permerror", "temperror"),
    term: fc.constant("-all"),
  }),
  fc.record({
    result: fc.constant("pass"),
    term: fc.constantFrom(
      "+all",
      "all",
      "ptr",
      "ptr:evil.example",
      "ip4:192.0.0.0/15",
      "ip4:0.0.0.0/0",
      "ip6:2001::/16",
      "ip6:::/0",
      "exists:%{i}.evil.example",
      "a/15",
      "mx/8",
      "a//16",
      "include:evil.example",
      "?all",
      "default",
    ),
  }),
);

const json = new JsonLines(() => new Date(2026, 10, 22));

function linesOf({ ip, ptr, helo, from, result, form, day, acted }: Attack, at: number): string[] {
  const facts = { queueId: undefined, ip, ptr, helo, from };
  const events: FilterEvent[] = [
    {
      event: "result",
      ...facts,
      result: result as "fail",
      cached: false,
      identity: from === "" ? "helo" : "mailfrom",
      mechanism: helo,
      problem: result === "permerror" ? from : undefined,
      lookups: 1,
      voids: 0,
      elapsedMs: 1,
      local: undefined,
      guess: undefined,
      source: "dns",
      failure: undefined,
    },
  ];
  if (acted && result === "fail") {
    events.push({
      event: "action",
      ...facts,
      action: "refused",
      reason: "SPF fail",
      rule: "RefuseFail",
      location: undefined,
      recipients: [from],
      reply: `550 5.7.23 SPF fail: ${from}`,
      dkim: undefined,
      reportOnly: at % 2 === 0,
    });
  }
  const time = `Nov ${String(day).padStart(2)} 03:18:${String(at % 60).padStart(2, "0")}`;
  return events.flatMap((event) =>
    form === "json"
      ? json.events(event)
      : eventLines(event, form as "classic").map((line) => `${time} mx smf-spf[7]: ${line}`),
  );
}

const TAGS = new Set(
  (
    "html head meta title style body main header section footer h1 h2 h3 p ul li div span code pre table thead tbody tr th td " +
    "svg rect path line text circle"
  ).split(" "),
);

function checkHtml(html: string): void {
  for (const [, tag = "", attributes = ""] of html.matchAll(/<\/?([a-zA-Z!][^\s>/]*)([^>]*)>/g)) {
    assert.ok(TAGS.has(tag) || tag === "!DOCTYPE", tag);
    assert.doesNotMatch(attributes, /\s(?:on[a-z]+|href|src|style)\s*=/i);
  }
  // Nothing else looks like a tag.
  assert.equal(html.replace(/<\/?[a-zA-Z!][^<>]*>/g, "").includes("<"), false);
  assert.doesNotMatch(html, /[^\x0a\x20-\x7e]/);
}

describe("a log that clients have written into", () => {
  it("yields no line, no markup, no escape sequence, no formula, and lets nobody in", () => {
    fc.assert(
      fc.property(
        fc.array(attack, { minLength: 1, maxLength: 40 }),
        fc.array(answer, { minLength: 1, maxLength: 4 }),
        (attacks, answers) => {
          const lines = attacks.flatMap(linesOf);
          // As a file of the log has them: nothing in a line can end it.
          const file = lines.join("\n").split("\n");
          const report = reportOf(file, {
            ours: OURS,
            answer: ({ domains }) =>
              domains.map((domain, i): Answer => {
                const { result, term } = answers[i % answers.length] ?? { result: "fail", term: "-all" };
                return { domain, result: result, path: [{ domain, term }] };
              }),
          });
          assert.equal(file.length, lines.length);
          assert.equal(report.lines.events, lines.length);
          assert.equal(report.messages, attacks.length);
          assert.deepEqual(
            report.suggestions.filter(({ kind }) => kind !== "postmaster"),
            [],
          );
          for (const line of suggestionLines(report).split("\n")) assert.match(line, /^(?:|# [\x20-\x7e]*)$/);
          const plain = textReport(report, { colour: false, unicode: false, problemsFirst: false });
          assert.doesNotMatch(plain, /[^\x0a\x20-\x7e]/);
          for (const line of plain.split("\n")) assert.ok(line.length <= 80, line);
          const coloured = textReport(report, { colour: true, unicode: false, problemsFirst: true });
          assert.doesNotMatch(coloured.replace(/\x1b\[(?:0|[12]|3[1-5])m/g, ""), /[^\x0a\x20-\x7e]/);
          checkHtml(htmlReport(report, { version: "3.1.0", problemsFirst: false }));
          for (const row of csvReport(report).split("\r\n")) {
            for (const [cell] of row.matchAll(/"(?:[^"]|"")*"|[^,]+/g)) {
              assert.doesNotMatch(cell.replace(/^"/, ""), /^[=+\-@\t|%]/);
            }
            assert.doesNotMatch(row, /[^\x20-\x7e]/);
          }
          const said = jsonReport(report);
          assert.doesNotMatch(said.slice(0, -1), /[^\x20-\x7e]/);
          JSON.parse(said);
        },
      ),
      { seed: SEED, numRuns: 60 },
    );
  });

  it("of the C programs, who escape nothing, is no better for them", () => {
    fc.assert(
      fc.property(fc.array(attack, { minLength: 1, maxLength: 20 }), (attacks) => {
        const lines = attacks.map(({ ip, ptr, helo, from, day }, i) => {
          const clean = (text: string): string => text.replace(/[\r\n]/g, "");
          const text = `fail: ip=${ip}, fqdn=${clean(ptr)}, helo=${clean(helo)}, from=<${clean(from)}>`;
          return `Nov ${String(day).padStart(2)} 03:18:${String(i).padStart(2, "0")} mx smf-spf[7]: SPF ${text}`;
        });
        const report = reportOf(lines, {
          ours: OURS,
          answer: ({ domains }) =>
            domains.map((domain) => ({ domain, result: "pass", path: [{ domain, term: "+all" }] })),
        });
        assert.equal(report.messages + report.lines.unreadable, lines.length);
        assert.deepEqual(report.suggestions, []);
        checkHtml(htmlReport(report, { version: "3.1.0", problemsFirst: true }));
        assert.ok(NOW > 0);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });
});
