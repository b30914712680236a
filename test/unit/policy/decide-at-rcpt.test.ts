import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parsePath } from "../../../src/address/index.ts";
import { policyForMail } from "../../../src/policy/decide.ts";
import {
  decideAtRcpt,
  type Findings,
  NO_FINDINGS,
  recipientOf,
  refusalStage,
} from "../../../src/policy/index.ts";
import { client, line, net, outcome, pattern, settingsWith } from "./facts.ts";

const SENDER = parsePath("<u@sender.test>", { relaxedLocalPart: false });
const FAIL: Findings = {
  ...NO_FINDINGS,
  sender: { identity: "mailfrom", sender: "u@sender.test", outcome: outcome("fail") },
};

describe("refusalStage", () => {
  const toVip = line({ to: pattern("vip@"), actions: { refuseFail: "off" } });
  for (const [what, changes, stage] of [
    ["RejectAt mail", {}, "mail"],
    ["RejectAt rcpt", { rejectAt: "rcpt" }, "rcpt"],
    ["RejectAt eom", { rejectAt: "eom" }, "eom"],
    ["RejectAt mail and WhitelistTo", { whitelistTo: [pattern("a@")] }, "rcpt"],
    ["RejectAt eom and WhitelistTo", { rejectAt: "eom", whitelistTo: [pattern("a@")] }, "rcpt"],
    ["RejectAt mail and a recipient policy", { policyFor: [toVip] }, "rcpt"],
    ["RejectAt eom and a recipient policy", { rejectAt: "eom", policyFor: [toVip] }, "rcpt"],
    ["a recipient policy for other mail", { policyFor: [{ ...toVip, ip: net("198.51.100.1") }] }, "mail"],
    [
      "RejectAt of a client's policy",
      { policyFor: [line({ ip: net("192.0.2.9"), actions: { rejectAt: "eom" } })] },
      "eom",
    ],
  ] as const) {
    it(`is ${stage} with ${what}`, () => {
      const settings = settingsWith(changes);
      assert.equal(refusalStage(settings, policyForMail(settings, client(), SENDER)), stage);
    });
  }
});

describe("decideAtRcpt", () => {
  const settings = settingsWith({
    whitelistTo: [pattern("vip@rig.test"), pattern("postmaster@")],
    policyFor: [
      line({ to: pattern("@lax.test"), actions: { refuseFail: "off" } }),
      line({ to: pattern("@off.test"), actions: { check: false } }),
    ],
  });
  const policy = policyForMail(settings, client(), SENDER);
  for (const [argument, kind] of [
    ["<bob@rig.test>", "refuse"],
    ["<vip@rig.test>", "deliver"],
    ["<VIP@RIG.test>", "deliver"],
    ['<"vip"@rig.test>', "deliver"],
    ["<@x.test:vip@rig.test>", "deliver"],
    ['<"vip@rig.test"@evil.test>', "refuse"],
    ["<postmaster>", "deliver"],
    ["<any@lax.test>", "flag"],
    ["<any@off.test>", "deliver"],
  ] as const) {
    it(`says ${kind} for a fail and ${argument}`, () => {
      assert.equal(decideAtRcpt(recipientOf(settings, policy, argument), FAIL).kind, kind);
    });
  }

  it("names the line that exempts", () => {
    assert.equal(recipientOf(settings, policy, "<vip@rig.test>").exempt?.words, "WhitelistTo vip@rig.test");
    assert.equal(recipientOf(settings, policy, "<bob@rig.test>").exempt, undefined);
  });

  it("reads a local part of 65 octets as the recipient's options say", () => {
    const relaxed = settingsWith({
      relaxedLocalPart: false,
      policyFor: [line({ to: pattern("@long.test"), actions: { relaxedLocalPart: true } })],
    });
    const mail = policyForMail(relaxed, client(), SENDER);
    const long = "l".repeat(65);
    assert.equal(recipientOf(relaxed, mail, `<${long}@long.test>`).path.kind, "mailbox");
    assert.equal(recipientOf(relaxed, mail, `<${long}@rig.test>`).path.kind, "malformed");
  });
});
