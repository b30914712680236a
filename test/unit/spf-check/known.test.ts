import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CheckHostInput, Outcome } from "spf-check";
import { drive } from "../../system/conformance/drive.ts";
import { Zone, type ZoneData } from "../../system/conformance/zone.ts";
import { inputFor, mechanisms, NO_POLICY, publishing } from "./support.ts";

/** What is known before each further phase, and at the end. */
function phases(zone: ZoneData, given: Partial<CheckHostInput> = {}): string[] {
  const server = new Zone(zone);
  const { known, outcome } = drive(inputFor(given), (question) => server.answer(question));
  return [...known.map(({ next, result }) => `${summary(result)}, then ${next}`), summary(outcome)];
}

const summary = ({ result, local, guess, explanation }: Outcome): string =>
  [result, local && `local ${local.result}`, guess && `guess ${guess.result}`, explanation?.text]
    .filter((part) => part !== undefined)
    .join(", ");

describe("what is known", () => {
  const rules = mechanisms("exists:l.test");
  const guess = mechanisms("a:g.test");
  const zone = publishing("v=spf1 mx:m.test -all exp=e.test", {
    "e.test": [{ TXT: "No" }],
    "l.test": [{ A: "127.0.0.2" }],
    "g.test": [{ A: "192.0.2.1" }],
  });
  const table: readonly [what: string, zone: ZoneData, given: Partial<CheckHostInput>, phases: string[]][] = [
    ["is not told where nothing follows", publishing("v=spf1 -all"), {}, ["fail"]],
    ["is told before exp= is asked for", zone, {}, ["fail, then explanation", "fail, No"]],
    [
      "is told before local rules, and again with what they decided",
      zone,
      { localPolicy: { ...NO_POLICY, rules, guess } },
      ["fail, then rules", "fail, local pass, then explanation", "fail, local pass, No"],
    ],
    [
      "is told before local rules whose place the evaluation has come to, though it failed then",
      publishing("v=spf1 mx:m.test -a:lost.test -all", {
        "lost.test": ["SERVFAIL"],
        "l.test": [{ A: "127.0.0.2" }],
      }),
      { localPolicy: { ...NO_POLICY, rules } },
      ["temperror, then rules", "temperror, local pass"],
    ],
    [
      "is not told where local rules have no place",
      publishing("v=spf1 -all"),
      { localPolicy: { ...NO_POLICY, rules, guess } },
      ["fail"],
    ],
    [
      "is none before a guess",
      { "g.test": [{ A: "192.0.2.1" }] },
      { localPolicy: { ...NO_POLICY, rules, guess } },
      ["none, then rules", "none, guess pass"],
    ],
    ["is not told for softfail with exp=", publishing("v=spf1 ~all exp=e.test"), {}, ["softfail"]],
  ];
  for (const [what, data, given, expected] of table) {
    it(what, () => {
      assert.deepEqual(phases(data, given), expected);
    });
  }

  it("has all questions of the published policy before it", () => {
    const server = new Zone(zone);
    const asked: string[] = [];
    const input = inputFor({ localPolicy: { ...NO_POLICY, rules } });
    const { known } = drive(input, (question) => {
      asked.push(question.name);
      return server.answer(question);
    });
    assert.deepEqual(asked, ["example.test", "m.test", "l.test", "e.test"]);
    assert.deepEqual(
      known.map(({ result }) => [result.lookups, result.voids]),
      [
        [1, 1],
        [1, 1],
      ],
    );
  });
});
