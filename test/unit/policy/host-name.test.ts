import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { matchesHostName } from "../../../src/policy/patterns.ts";
import { verifiedName } from "../../../src/policy/received.ts";

describe("verifiedName", () => {
  for (const [hostname, name] of [
    ["mx.friend.test", "mx.friend.test"],
    ["mx.friend.test.", "mx.friend.test"],
    ["localhost", "localhost"],
    ["[192.0.2.9]", undefined],
    ["[IPv6:2001:db8::9]", undefined],
    ["192.0.2.9", undefined],
    ["2001:db8::9", undefined],
    ["unknown", undefined],
    ["Unknown", undefined],
    ["", undefined],
    [".", undefined],
    ["mx.friend.test (may be forged)", undefined],
    ["a\0b.test", undefined],
  ] as const) {
    it(`returns ${name ?? "undefined"} for ${JSON.stringify(hostname)}`, () => {
      assert.equal(verifiedName(hostname), name);
    });
  }
});

describe("matchesHostName", () => {
  for (const [pattern, name, matches] of [
    ["host.friend.test", "host.friend.test", true],
    ["host.friend.test", "HOST.Friend.test.", true],
    ["host.friend.test", "a.host.friend.test", true],
    ["host.friend.test", "ghost.friend.test", false],
    ["host.friend.test", "host.friend.test.evil.test", false],
    ["host.friend.test", "friend.test", false],
    [".friend.test", "a.friend.test", true],
    [".friend.test", "a.b.friend.test", true],
    [".friend.test", "friend.test", false],
    [".friend.test", "notfriend.test", false],
    ["friend.test", "notfriend.test", false],
    ["", "friend.test", false],
    [".", "friend.test", false],
    ["friend.test", undefined, false],
  ] as const) {
    it(`says ${matches} for ${pattern} and ${name ?? "no verified name"}`, () => {
      assert.equal(matchesHostName(pattern, name), matches);
    });
  }
});
