import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageSettings, Settings } from "../../../src/config/index.ts";
import type { FilterSettings } from "../../../src/filter/index.ts";
import type { ActionSettings, PolicySettings } from "../../../src/policy/index.ts";
import { settingsOf } from "./reading.ts";

// The compiler compares what the table says with what policy and filter read.
const forPolicy = (settings: Settings): PolicySettings => settings;
const forActions = (settings: MessageSettings): ActionSettings => settings;
const fromActions = (settings: ActionSettings): MessageSettings => settings;
const forFilter = (settings: Settings): FilterSettings => settings;

describe("Settings", () => {
  it("serve policy and filter as they are", () => {
    const settings = settingsOf("WhitelistFrom @friend.example\nPolicyFor to=a@example.net RefuseFail=off\n");
    assert.equal(forPolicy(settings).whitelistFrom[0]?.kind, "domain");
    assert.equal(forFilter(settings).lookupTimeMs, 20_000);
    assert.equal(fromActions(forActions(settings)).tag, "[SPF:fail]");
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
