import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FilterSettings } from "../../../src/filter/index.ts";
import type { Origin, Origins } from "../../../src/policy/index.ts";
import { line, net, pattern } from "../policy/facts.ts";
import { Rig, spoken, type Zone } from "./rig.ts";

const at = (file: string, line: number): Origin => ({ kind: "file", file, line, text: `${file}:${line}` });

/** Every option and entry in these tables is on a line of its own. */
const ORIGINS: Origins = {
  WhitelistIP: [at("c", 1), at("c", 2)],
  WhitelistPTR: [at("c", 3), at("c", 4)],
  WhitelistFrom: [at("c", 5), at("c", 6)],
  WhitelistTo: [at("c", 7), at("list", 8)],
  TrustedForwarder: [at("c", 9), at("c", 10)],
  SkipAuth: [at("c", 11)],
  RefuseFail: [at("c", 12)],
  TagSubject: [at("c", 13)],
  Quarantine: [at("c", 14)],
  SPFBehavior: [at("c", 15)],
  RemoveForgedHeaders: [at("c", 16)],
  PolicyFor: [at("c", 17), at("c", 18)],
};

const FAIL: Zone = { "sender.test": "fail" };

const TABLE: readonly [
  what: string,
  settings: Partial<FilterSettings>,
  zone: Zone,
  told: readonly string[],
][] = [
  ["the default that refuses", { origins: {} }, FAIL, ["refused by RefuseFail at default"]],
  ["an option that is given", {}, FAIL, ["refused by RefuseFail at c:12"]],
  [
    "a PolicyFor line",
    {
      policyFor: [
        line({ ip: net("198.51.100.1"), actions: { refuseFail: "on" } }),
        line({ actions: { refuseFail: "on" } }),
      ],
    },
    FAIL,
    ["refused by RefuseFail at c:18"],
  ],
  [
    "a PolicyFor line that gives another option",
    { policyFor: [line({ actions: { softFail: true } })] },
    FAIL,
    ["refused by RefuseFail at c:12"],
  ],
  [
    "AcceptTempError",
    { acceptTempError: false },
    { "sender.test": "temperror" },
    ["refused by AcceptTempError at default"],
  ],
  [
    "RefuseHeloFail",
    { checkHelo: true },
    { "helo.sender.test": "fail" },
    ["refused by RefuseHeloFail at default"],
  ],
  [
    "the second WhitelistIP",
    { whitelistIP: [net("10.0.0.0/8"), net("192.0.2.0/24")] },
    FAIL,
    ["skipped by WhitelistIP at c:2"],
  ],
  [
    "the second WhitelistPTR",
    { whitelistPTR: ["a.test", "sender.test"] },
    FAIL,
    ["skipped by WhitelistPTR at c:4"],
  ],
  [
    "the second WhitelistFrom",
    { whitelistFrom: [pattern("@a.test"), pattern("user@")] },
    FAIL,
    ["skipped by WhitelistFrom at c:6"],
  ],
  [
    "the entry of a list file",
    { whitelistTo: [pattern("@a.test"), pattern("bob@")] },
    FAIL,
    ["skipped by WhitelistTo at list:8"],
  ],
  [
    "the second TrustedForwarder",
    { trustedForwarder: ["a.test", "b.test"] },
    { ...FAIL, "b.test": "pass" },
    ["skipped by TrustedForwarder at c:10"],
  ],
  ["SPFBehavior 0", { check: false }, FAIL, ["skipped by SPFBehavior at c:15"]],
  ["TagSubject", { refuseFail: "off" }, FAIL, ["tagged by TagSubject at c:13"]],
  [
    "Quarantine",
    { refuseFail: "off", tagSubject: false, quarantine: true },
    FAIL,
    ["quarantined by Quarantine at c:14"],
  ],
];

describe("createFilter names the rule that acts, and where it stands", () => {
  for (const [what, settings, zone, told] of TABLE) {
    it(`for ${what}`, () => {
      const rig = new Rig({ settings: { origins: ORIGINS, ...settings }, zone });
      const mail = spoken(rig.start());
      if (mail === "continue" && spoken(rig.rcpt("<bob@rig.test>")) === "continue") rig.eom();
      assert.deepEqual(
        rig.actions.map(({ action, rule, location = "default" }) => `${action} by ${rule} at ${location}`),
        told,
      );
    });
  }
});
