import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Settings } from "../../../src/config/index.ts";
import type { FilterSettings } from "../../../src/filter/index.ts";
import type { PolicySettings } from "../../../src/policy/index.ts";
import { settingsOf } from "./reading.ts";

// The compiler holds the rooms together: config and policy never meet in the source.
const forPolicy = (settings: Settings): PolicySettings => settings;
const forFilter = (settings: Settings): FilterSettings => settings;

describe("Settings", () => {
  it("serve policy and filter as they are", () => {
    const settings = settingsOf("WhitelistFrom @friend.example\nPolicyFor to=a@example.net RefuseFail=off\n");
    assert.equal(forPolicy(settings).whitelistFrom[0]?.kind, "domain");
    assert.equal(forFilter(settings).lookupTimeMs, 20_000);
  });

  it("are frozen down to the last list", () => {
    const settings = settingsOf("WhitelistFrom @friend.example\nPolicyFor to=a@example.net RefuseFail=off\n");
    assert.ok(Object.isFrozen(settings));
    assert.ok(Object.isFrozen(settings.whitelistFrom));
    assert.ok(Object.isFrozen(settings.whitelistFrom[0]));
    assert.ok(Object.isFrozen(settings.policyFor[0]?.actions));
    assert.ok(Object.isFrozen(settings.socket));
    assert.ok(Object.isFrozen(settings.localPolicy));
    assert.throws(() => {
      (settings as { user: string }).user = "root";
    }, TypeError);
  });
});
