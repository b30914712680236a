import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { guessField } from "../../../src/trace-fields/index.ts";
import { Reader, unfold } from "./field-grammar.ts";
import { checkedOf, FUZZ, factsOf, hostileChecked, hostileFacts } from "./samples.ts";

describe("guessField", () => {
  it("tells the guess, the domain and the rule that decided", () => {
    const guess = { result: "pass" as const, mechanism: "a/24" };
    assert.equal(
      guessField(factsOf(), checkedOf("none", { outcome: { guess } }))?.replaceAll("\n", ""),
      "pass (ns.example.jp: domain of mail@spf.example.jp publishes no SPF record; 192.0.2.1 guessed by a/24)",
    );
  });

  it("is absent when nothing was guessed", () => {
    assert.equal(guessField(factsOf(), checkedOf("none")), undefined);
  });

  it("always is one word and one comment, whatever the values hold", () => {
    fc.assert(
      fc.property(hostileFacts, hostileChecked, (facts, checked) => {
        const value = guessField(facts, checked);
        if (value === undefined) return;
        const reader = new Reader(unfold(value));
        assert.equal(reader.take(/[a-z]+/, "result"), checked.outcome.guess?.result);
        reader.take(/ /, "FWS");
        reader.comment();
        assert.ok(reader.done);
      }),
      FUZZ,
    );
  });
});
