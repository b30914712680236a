import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { type Answer, type AnswerSource, checkHost, type LocalPolicy, type Outcome } from "spf-check";
import { drive } from "../../../src/dns/index.ts";
import { Zone, type ZoneData } from "../../system/conformance/zone.ts";
import { inputFor, mechanisms, NO_POLICY } from "../spf-check/support.ts";

/** A zone whose names below `silent` are never answered. */
class HalfSilent implements AnswerSource {
  readonly #zone: Zone;

  constructor(data: ZoneData) {
    this.#zone = new Zone(data);
  }

  ask(question: Parameters<AnswerSource["ask"]>[0]): Answer | { cancel: () => void } {
    if (!/silent$|arpa$/.test(question.name)) return this.#zone.answer(question);
    return { cancel: () => undefined };
  }
}

/** What comes of an evaluation after so many milliseconds of silence, and when. */
function outcomeAfter(
  zone: ZoneData,
  waitMs: number,
  localPolicy: Partial<LocalPolicy> = {},
  hints = false,
): string {
  const source = new HalfSilent(zone);
  const onThrow = (error: unknown): Outcome => {
    throw error;
  };
  const input = inputFor({ localPolicy: { ...NO_POLICY, ...localPolicy }, hints });
  let outcome: Outcome | undefined;
  const first = drive<Outcome>(checkHost(input), { source, onThrow }, (late) => {
    outcome = late;
  });
  if (!("cancel" in first)) return `at once: ${first.result}`;
  // In steps: a timer that is set while time passes counts from then.
  for (let left = waitMs; left > 0; left -= 1000) mock.timers.tick(Math.min(1000, left));
  const known = first.known === undefined ? "nothing" : first.known.result;
  if (outcome === undefined) return `waiting, ${known} known`;
  const { result, local, guess, explanation, ttlSeconds } = outcome;
  assert.equal(ttlSeconds, 0, "what was cut short is not kept");
  return [result, local && `local ${local.result}`, guess && `guess ${guess.result}`, explanation?.text]
    .filter((part) => part !== undefined)
    .join(", ");
}

describe("a published result that is known", () => {
  const rules = mechanisms("exists:l.silent");
  const guess = mechanisms("a:g.silent mx:g.silent");
  const silentExp: ZoneData = { "example.test": [{ TXT: "v=spf1 mx:m.test -all exp=e.silent" }] };
  const expWithName: ZoneData = {
    "example.test": [{ TXT: "v=spf1 mx:m.test -all exp=e.test" }],
    "e.test": [{ TXT: "not %{p}" }],
  };
  const plainExp: ZoneData = { ...expWithName, "e.test": [{ TXT: "No" }] };
  const table: readonly [
    what: string,
    zone: ZoneData,
    waitMs: number,
    policy: Partial<LocalPolicy>,
    is: string,
  ][] = [
    ["is told while exp= is silent", silentExp, 1999, {}, "waiting, fail known"],
    ["stands after two seconds of exp=", silentExp, 2000, {}, "fail"],
    [
      "stands after two seconds of %{p} in the name of exp=",
      { "example.test": [{ TXT: "v=spf1 -all exp=%{p}.test" }] },
      2000,
      {},
      "fail",
    ],
    ["stands after two seconds of %{p} in the text", expWithName, 2000, {}, "fail, not unknown"],
    ["is told while local rules are silent", plainExp, 4999, { rules }, "waiting, fail known"],
    [
      "stands after five seconds of local rules, with its explanation",
      plainExp,
      5000,
      { rules },
      "fail, local temperror, No",
    ],
    ["leaves exp= its time after local rules", silentExp, 5000, { rules }, "waiting, fail known"],
    ["stands after local rules and exp=", silentExp, 7000, { rules }, "fail, local temperror"],
    ["is none after five seconds of a guess", {}, 5000, { guess }, "none"],
    [
      "is not known while the record is silent",
      { "example.test": [{ TXT: "v=spf1 a:a.silent -all" }] },
      60_000,
      { rules },
      "waiting, nothing known",
    ],
  ];
  for (const [what, zone, waitMs, policy, is] of table) {
    it(what, () => {
      // Inside one synchronous test: other files share the process.
      mock.timers.enable({ apis: ["setTimeout"] });
      try {
        assert.equal(outcomeAfter(zone, waitMs, policy), is);
        assert.equal(outcomeAfter(zone, waitMs, policy, true), is, "with hints");
      } finally {
        mock.timers.reset();
      }
    });
  }
});
