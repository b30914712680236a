import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parsePath } from "../../../src/address/index.ts";
import {
  actionsForRecipient,
  policyForMail,
  readRecipient,
  readSender,
  senderFault,
} from "../../../src/policy/decide.ts";
import { client, DEFAULTS, line, net, pattern, settingsWith } from "./facts.ts";

const read = (argument: string) => parsePath(argument, { relaxedLocalPart: true });

describe("policyForMail", () => {
  it("is the options outside where there are no lines", () => {
    const policy = policyForMail(DEFAULTS, client(), read("<u@sender.test>"));
    assert.equal(policy.actions, DEFAULTS);
    assert.deepEqual(policy.lines, []);
  });

  for (const [what, selectors, applies] of [
    ["no selector", {}, true],
    ["the client's network", { ip: net("192.0.2.0/24") }, true],
    ["another network", { ip: net("198.51.100.0/24") }, false],
    ["the client's name", { ptr: "sender.test" }, true],
    ["another name", { ptr: "other.test" }, false],
    ["the sender", { from: pattern("@sender.test") }, true],
    ["another sender", { from: pattern("@other.test") }, false],
    ["all that match", { ip: net("192.0.2.9"), ptr: ".sender.test", from: pattern("u@") }, true],
    ["one that does not match", { ip: net("192.0.2.9"), from: pattern("v@") }, false],
  ] as const) {
    it(`${applies ? "applies" : "does not apply"} a line that names ${what}`, () => {
      const settings = settingsWith({ policyFor: [line({ ...selectors, actions: { refuseFail: "off" } })] });
      const { actions } = policyForMail(settings, client(), read("<u@sender.test>"));
      assert.equal(actions.refuseFail, applies ? "off" : "on");
    });
  }

  it("lets later lines win over earlier ones, and both over the options outside", () => {
    const settings = settingsWith({
      policyFor: [
        line({ actions: { tag: "[1]", softFail: true } }),
        line({ ip: net("192.0.2.9"), actions: { tag: "[2]" } }),
      ],
    });
    const { actions } = policyForMail(settings, client(), read("<u@sender.test>"));
    assert.equal(actions.tag, "[2]");
    assert.equal(actions.softFail, true);
    assert.equal(actions.refuseFail, "on");
  });

  it("looks at the address that connected, not at the one it is evaluated as", () => {
    const settings = settingsWith({
      fixedClientIP: "203.0.113.1",
      policyFor: [line({ ip: net("192.0.2.9"), actions: { tag: "[x]" } })],
    });
    const { actions } = policyForMail(settings, client("192.0.2.9", "", settings), read("<u@sender.test>"));
    assert.equal(actions.tag, "[x]");
  });

  it("leaves lines for recipients to the recipients", () => {
    const settings = settingsWith({
      policyFor: [
        line({ to: pattern("@vip.test"), actions: { refuseFail: "off", tag: "[vip]" } }),
        line({ from: pattern("u@"), actions: { tag: "[u]" } }),
        line({ from: pattern("v@"), to: pattern("@vip.test"), actions: { tag: "[never]" } }),
      ],
    });
    const policy = policyForMail(settings, client(), read("<u@sender.test>"));
    assert.equal(policy.actions.refuseFail, "on");
    const vip = actionsForRecipient(settings, policy, read("<a@vip.test>"));
    const bob = actionsForRecipient(settings, policy, read("<bob@rig.test>"));
    assert.deepEqual([vip.refuseFail, vip.tag], ["off", "[u]"]);
    assert.deepEqual([bob.refuseFail, bob.tag], ["on", "[u]"]);
  });
});

describe("readSender", () => {
  const long = (octets: number): string => `<${"l".repeat(octets)}@sender.test>`;
  for (const [argument, settings, kind] of [
    ["<u@sender.test>", DEFAULTS, "mailbox"],
    ["<>", DEFAULTS, "null"],
    ['<"<>"@sender.test>', DEFAULTS, "mailbox"],
    ["<postmaster>", DEFAULTS, "malformed"],
    ["<u@sender.test", DEFAULTS, "malformed"],
    ["<u@sender.test(x@other.test)>", DEFAULTS, "mailbox"],
    ["<u@\rsender.test>", DEFAULTS, "malformed"],
    ["<u sender.test>", DEFAULTS, "malformed"],
    [long(64), DEFAULTS, "mailbox"],
    [long(65), DEFAULTS, "mailbox"],
  ] as const) {
    it(`reads ${argument.length > 40 ? `${argument.length} octets` : argument} as ${kind}`, () => {
      assert.equal(readSender(settings, client(), argument).sender.kind, kind);
    });
  }
});

describe("senderFault", () => {
  const relaxedHere = settingsWith({
    relaxedLocalPart: false,
    policyFor: [line({ from: pattern("@sender.test"), actions: { relaxedLocalPart: true } })],
  });
  for (const [argument, settings, refused] of [
    ["<u@sender.test>", DEFAULTS, false],
    ["<>", DEFAULTS, false],
    ["<postmaster>", DEFAULTS, true],
    ["<postmaster>", settingsWith({ refuseFail: "off", refuseHeloFail: "off" }), false],
    ["<postmaster>", settingsWith({ check: false }), false],
    [`<${"l".repeat(65)}@sender.test>`, settingsWith({ relaxedLocalPart: false }), true],
    [`<${"l".repeat(64)}@sender.test>`, settingsWith({ relaxedLocalPart: false }), false],
    [`<${"l".repeat(65)}@sender.test>`, relaxedHere, false],
    [`<${"l".repeat(65)}@other.test>`, relaxedHere, true],
  ] as const) {
    it(`${refused ? "refuses" : "lets pass"} ${argument.slice(-20)}`, () => {
      const { sender, policy } = readSender(settings, client(), argument);
      assert.equal(senderFault(policy.actions, sender) !== undefined, refused);
    });
  }
});

describe("readRecipient", () => {
  for (const [argument, kind] of [
    ["<bob@rig.test>", "mailbox"],
    ["<postmaster>", "mailbox"],
    ["<PostMaster>", "mailbox"],
    ["<bob>", "malformed"],
    ["<>", "malformed"],
    ["<@a.test:bob@rig.test>", "mailbox"],
    ["bob@@rig.test", "malformed"],
  ] as const) {
    it(`reads ${argument} as ${kind}`, () => {
      assert.equal(readRecipient(argument).kind, kind);
    });
  }
});
