import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  decideAtMail,
  type MailDecision,
  type PolicySettings,
  senderFault,
  trustedSession,
} from "../../../src/policy/index.ts";
import { client, line, net, pattern, settingsWith } from "./facts.ts";

const shown = (decision: MailDecision): string => {
  switch (decision.kind) {
    case "skip":
      return `skip: ${decision.reason.words}`;
    case "check":
      return senderFault(decision.policy.actions, decision.sender)?.words ?? `check ${decision.sender.kind}`;
  }
};

const SPFBEHAVIOR_0 = { check: false, refuseFail: "off" } as const;

const TABLE: readonly [
  what: string,
  settings: Partial<PolicySettings>,
  argument: string,
  decision: string,
][] = [
  ["a sender", {}, "<u@sender.test>", "check mailbox"],
  ["the null sender", {}, "<>", "check null"],
  ["the null sender with SkipNDR", { skipNDR: true }, "<>", "skip: SkipNDR"],
  ["a sender with SkipNDR", { skipNDR: true }, "<u@sender.test>", "check mailbox"],
  ['"<>" as a local part with SkipNDR', { skipNDR: true }, '<"<>"@sender.test>', "check mailbox"],
  [
    "WhitelistFrom",
    { whitelistFrom: [pattern("@sender.test")] },
    "<u@sender.test>",
    "skip: WhitelistFrom @sender.test",
  ],
  [
    "WhitelistFrom for another",
    { whitelistFrom: [pattern("@other.test")] },
    "<u@sender.test>",
    "check mailbox",
  ],
  [
    "WhitelistFrom in a source route",
    { whitelistFrom: [pattern("@other.test")] },
    "<@other.test:u@sender.test>",
    "check mailbox",
  ],
  ["SPFBehavior 0", SPFBEHAVIOR_0, "<u@sender.test>", "skip: SPFBehavior 0"],
  ["SPFBehavior 0 and no address", SPFBEHAVIOR_0, "<u", "skip: SPFBehavior 0"],
  [
    "SPFBehavior 0 for this client",
    { policyFor: [line({ ip: net("192.0.2.9"), actions: { check: false } })] },
    "<u@sender.test>",
    "skip: SPFBehavior 0",
  ],
  [
    "SPFBehavior 0 for one recipient",
    { policyFor: [line({ to: pattern("a@"), actions: { check: false } })] },
    "<u@sender.test>",
    "check mailbox",
  ],
  [
    "SPFBehavior 0 but for one recipient",
    { ...SPFBEHAVIOR_0, policyFor: [line({ to: pattern("a@"), actions: { check: true } })] },
    "<u@sender.test>",
    "check mailbox",
  ],
  ["no domain", {}, "<u>", "sender syntax: the domain is missing"],
  ["no domain and SPFBehavior 1", { refuseFail: "off", refuseHeloFail: "off" }, "<u>", "check malformed"],
  ["nothing after the @", {}, "<u@>", "sender syntax: the domain is missing"],
  ["WhitelistFrom and no address", { whitelistFrom: [pattern("u@")] }, "<u@-x>", "skip: WhitelistFrom u@"],
  ["a bracket that is not closed", {}, "<u@sender.test", "sender syntax: angle brackets do not match"],
  ["a label that begins with a hyphen", {}, "<u@-a.sender.test>", "check mailbox"],
  ["a local part with a blank", {}, "<u v@sender.test>", "check mailbox"],
  ["a domain with a blank", {}, "<u@sender. test>", "check mailbox"],
  ["65 octets of local part", {}, `<${"l".repeat(65)}@sender.test>`, "check mailbox"],
  [
    "65 octets of local part with RelaxedLocalPart off",
    { relaxedLocalPart: false },
    `<${"l".repeat(65)}@sender.test>`,
    "sender syntax: local part is longer than 64 octets",
  ],
  [
    "65 octets of local part with RelaxedLocalPart off and SPFBehavior 1",
    { relaxedLocalPart: false, refuseFail: "off", refuseHeloFail: "off" },
    `<${"l".repeat(65)}@sender.test>`,
    "check mailbox",
  ],
];

describe("decideAtMail", () => {
  for (const [what, settings, argument, expected] of TABLE) {
    it(`decides "${expected}" for ${what}`, () => {
      assert.equal(shown(decideAtMail(settingsWith(settings), client(), argument)), expected);
    });
  }
});

describe("trustedSession", () => {
  for (const [settings, authenticated, verify, reason] of [
    [{}, "alice", undefined, "SkipAuth"],
    [{ skipAuth: false }, "alice", undefined, undefined],
    [{}, "", undefined, undefined],
    [{}, undefined, "OK", "SkipTLSVerified"],
    [{ skipTLSVerified: false }, undefined, "OK", undefined],
    [{}, undefined, "NO", undefined],
    [{}, undefined, "FAIL", undefined],
    [{}, undefined, undefined, undefined],
  ] as const) {
    it(`says ${reason ?? "nothing"} for {auth_authen} ${authenticated ?? "absent"}, {verify} ${verify ?? "absent"}, ${JSON.stringify(settings)}`, () => {
      assert.equal(trustedSession(settingsWith(settings), { authenticated, verify })?.words, reason);
    });
  }
});
