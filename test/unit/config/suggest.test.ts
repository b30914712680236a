import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OPTION_NAMES } from "../../../src/config/table.ts";
import { nearest, optionHint } from "../../../src/config/values/nearest.ts";

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
    ["SocketGrp", "SocketGroup"],
    ["RefusSoftFail", "RefuseSoftFail"],
    // Another word is not a misspelling.
    ["AcceptPermError", undefined],
    ["RefuseTempError", undefined],
    ["WhitelistHelo", undefined],
    ["WhitelistHost", undefined],
    ["WhitelistRcpt", undefined],
    ["TagHeader", undefined],
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

describe("optionHint", () => {
  for (const [written, hint] of [
    ["AcceptPermError", "; did you mean RefusePermError, which says the opposite?"],
    ["acceptpermeror", "; did you mean RefusePermError, which says the opposite?"],
    ["AcceptSoftFail", "; did you mean RefuseSoftFail, which says the opposite?"],
    ["AllowNone", "; did you mean RefuseSPFNone, which says the opposite?"],
    ["RefuseTempError", "; did you mean AcceptTempError, which says the opposite?"],
    ["RejectPermError", "; did you mean RefusePermError?"],
    ["RefuseNone", "; did you mean RefuseSPFNone?"],
    ["AcceptTempErrors", "; did you mean AcceptTempError?"],
    ["WhitelistHelo", ""],
    ["AcceptEverything", ""],
  ] as const) {
    it(`says ${hint === "" ? "nothing" : hint.slice(2)} for ${written}`, () => {
      assert.equal(optionHint(written, OPTION_NAMES), hint);
    });
  }

  it("names no option that cannot be given there", () => {
    assert.equal(optionHint("AcceptPermError", ["Tag"]), "");
  });

  it("has a hint for each result and verb, and each leads to an option", () => {
    for (const result of ["Fail", "SoftFail", "Neutral", "SPFNone", "PermError", "TempError"]) {
      for (const verb of ["Accept", "Refuse", "Reject"]) {
        const name = `${verb}${result}`;
        if (OPTION_NAMES.some((known) => known === name)) continue;
        const option = /did you mean (\w+)/.exec(optionHint(name, OPTION_NAMES))?.[1] ?? "";
        assert.ok(option.endsWith(result), `${name}: ${option}`);
      }
    }
  });
});
