import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ownText } from "../../../src/address/index.ts";

const ALL_OCTETS = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet));

describe("ownText", () => {
  for (const length of [0, 1, 256, 1023, 1024, 1025, 5000]) {
    it(`gives the same ${length} octets`, () => {
      const text = ALL_OCTETS.repeat(20).slice(0, length);
      assert.equal(ownText(text), text);
    });
  }

  it("is not changed by the next copy", () => {
    const first = ownText("first.example");
    ownText("other.example.org");
    assert.equal(first, "first.example");
  });
});
