import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  decideAtMail,
  type MailDecision,
  type PolicySettings,
  trustedSession,
} from "../../../src/policy/index.ts";
import { client, line, net, pattern, settingsWith } from "./facts.ts";

const shown = (decision: MailDecision): string => {
  switch (decision.kind) {
    case "skip":
      return `skip: ${decision.reason.words}`;
    case "refuse":
      return `${decision.reply.code} ${decision.reply.enhanced}${decision.reportOnly ? " (told only)" : ""}`;
    case "check":
      return `check ${decision.sender.kind}`;
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
  ["no address", {}, "<u", "550 5.1.7"],
  ["no address with SoftFail", { softFail: true }, "<u", "450 4.1.7"],
  ["no address with ReportOnly", { reportOnly: true }, "<u", "550 5.1.7 (told only)"],
  ["65 octets of local part", {}, `<${"l".repeat(65)}@sender.test>`, "550 5.1.7"],
  [
    "65 octets of local part with RelaxedLocalPart",
    { relaxedLocalPart: true },
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
