import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OPTION_NAMES } from "../../../src/config/table.ts";
import { nearest } from "../../../src/config/values/value-kind.ts";

describe("nearest", () => {
  const cases: readonly [string, string | undefined][] = [
    ["RefuseFial", "RefuseFail"],
    ["refusefai", "RefuseFail"],
    ["WhiteListIPs", "WhitelistIP"],
    ["SPFBehaviour", "SPFBehavior"],
    ["RefuseNone", "RefuseSPFNone"],
    ["TTLs", "TTL"],
    ["QuarentineBox", "QuarantineBox"],
    ["Sokcet", "Socket"],
    ["Colour", undefined],
    ["x", undefined],
    ["", undefined],
  ];
  for (const [written, meant] of cases) {
    it(`takes ${written === "" ? "nothing" : written} for ${meant ?? "nothing known"}`, () => {
      assert.equal(nearest(written, OPTION_NAMES), meant);
    });
  }

  it("finds every option with two neighbours swapped", () => {
    for (const name of OPTION_NAMES.filter(({ length }) => length > 5)) {
      const swapped = `${name.slice(0, 2)}${name.charAt(3)}${name.charAt(2)}${name.slice(4)}`;
      assert.equal(nearest(swapped, OPTION_NAMES), name);
    }
  });
});
