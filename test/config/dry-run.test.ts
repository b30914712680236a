import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dryRun } from "../../src/config/index.ts";
import { settingsOf } from "./reading.ts";

describe("dryRun", () => {
  it("turns ReportOnly on for all mail and changes nothing else", () => {
    const settings = settingsOf("PolicyFor to=@a.example ReportOnly=off RefuseFail=nomail\nTag x\n");
    const dry = dryRun(settings);
    assert.equal(dry.reportOnly, true);
    assert.equal(dry.policyFor[0]?.actions.reportOnly, true);
    assert.equal(dry.policyFor[0].actions.refuseFail, "nomail");
    assert.deepEqual({ ...dry, reportOnly: false, policyFor: [] }, { ...settings, policyFor: [] });
    assert.equal(settings.policyFor[0]?.actions.reportOnly, false);
    assert.ok(Object.isFrozen(dry.policyFor[0].actions));
  });
});
