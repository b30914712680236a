import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatFault, type Settings } from "../../../src/config/index.ts";
import { parse, reports, settingsOf } from "./reading.ts";

/** Columns: check, temperror, fail, softfail, neutral, none, none of a HELO name, permerror refused. */
const LADDER: readonly (readonly [number, string])[] = [
  [0, ". . . . . . . ."],
  [1, "c . . . . . . ."],
  [2, "c t . . . . . ."],
  [3, "c t f . . . . ."],
  [4, "c t f s . . . ."],
  [5, "c t f s n . . ."],
  [6, "c t f s n 0 h p"],
];

function column(settings: Settings): string {
  return [
    settings.check ? "c" : ".",
    settings.acceptTempError ? "." : "t",
    settings.refuseFail === "on" ? "f" : ".",
    settings.refuseSoftFail ? "s" : ".",
    settings.refuseNeutral ? "n" : ".",
    settings.refuseSPFNone ? "0" : ".",
    settings.refuseSPFNoneHelo ? "h" : ".",
    settings.refusePermError ? "p" : ".",
  ].join(" ");
}

describe("SPFBehavior", () => {
  for (const [step, expected] of LADDER) {
    it(`${step} sets the options of its step, and tag and quarantine off`, () => {
      const settings = settingsOf(`SPFBehavior ${step}\n`);
      assert.equal(column(settings), expected);
      assert.equal(settings.refuseHeloFail, settings.refuseFail);
      assert.equal(settings.tagSubject, false);
      assert.equal(settings.quarantine, false);
    });
  }

  it("gives way to options given before and behind it", () => {
    const settings = settingsOf(
      "RefuseFail off\nSPFBehavior 4\nTagSubject on\nQuarantine on\nAcceptTempError on\n",
    );
    assert.equal(column(settings), "c . . s . . . .");
    assert.equal(settings.tagSubject, true);
    assert.equal(settings.quarantine, true);
  });

  it("is taken from the environment, which wins over the file but not over explicit options", () => {
    const settings = settingsOf("RefuseSoftFail off\nSPFBehavior 1\n", { env: { SPFBEHAVIOR: "5" } });
    assert.equal(column(settings), "c t f . n . . .");
  });

  it("is not set by an empty variable", () => {
    assert.equal(column(settingsOf("SPFBehavior 1", { env: { SPFBEHAVIOR: " " } })), "c . . . . . . .");
  });

  it("says that the environment wins over the file", () => {
    assert.deepEqual(reports(parse("SPFBehavior 1", { env: { SPFBEHAVIOR: "5" } })), [
      "warning test.conf:1: SPFBehavior: is given again at environment variable SPFBEHAVIOR, which wins",
    ]);
  });

  for (const value of ["7", "-1", "x", "1.5"]) {
    it(`is a fault that names the environment where it holds ${value}`, () => {
      const { settings, faults } = parse("", { env: { SPFBEHAVIOR: value } });
      assert.equal(settings, undefined);
      assert.deepEqual(faults.map(formatFault), [
        `environment variable: SPFBEHAVIOR: invalid number "${value}": expected a number from 0 to 6`,
      ]);
    });
  }
});
