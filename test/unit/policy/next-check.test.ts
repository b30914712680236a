import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SpfResult } from "spf-check";
import { parsePath } from "../../../src/address/index.ts";
import { policyForMail } from "../../../src/policy/decide.ts";
import { NO_FINDINGS, nextCheck, type PolicySettings, withOutcome } from "../../../src/policy/index.ts";
import { client, line, outcome, pattern, settingsWith } from "./facts.ts";

/** What is asked, in order, when each domain answers as the zone says. */
function asked(
  changes: Partial<PolicySettings>,
  zone: Record<string, SpfResult>,
  { from = "<u@sender.test>", helo = "helo.test" } = {},
): string[] {
  const settings = settingsWith(changes);
  const sender = parsePath(from, { relaxedLocalPart: false });
  const policy = policyForMail(settings, client(), sender);
  const steps: string[] = [];
  let findings = NO_FINDINGS;
  for (;;) {
    const check = nextCheck(settings, policy, { sender, helo }, findings);
    if (check === undefined) return steps;
    steps.push(`${check.purpose} ${check.identity} ${check.sender}`);
    assert.equal(check.domain, check.sender.split("@").at(-1));
    findings = withOutcome(findings, check, outcome(zone[check.domain] ?? "none"));
  }
}

const SENDER = "sender mailfrom u@sender.test";
const HELO = "helo helo postmaster@helo.test";
const FORWARDERS = ["fw1.test", "fw2.test"];
const FW1 = "forwarder mailfrom postmaster@fw1.test";
const FW2 = "forwarder mailfrom postmaster@fw2.test";

describe("nextCheck", () => {
  it("asks for the sender alone", () => {
    assert.deepEqual(asked({}, {}), [SENDER]);
  });

  for (const [what, helo] of [
    ["a name", "helo.test"],
    ["an address literal", "[192.0.2.9]"],
    ["no name", ""],
    ["one label", "localhost"],
  ] as const) {
    it(`asks once for postmaster at ${what} where the sender is null`, () => {
      const steps = [`sender helo postmaster@${helo}`];
      assert.deepEqual(asked({}, {}, { from: "<>", helo }), steps);
      assert.deepEqual(asked({ checkHelo: true }, {}, { from: "<>", helo }), steps);
    });
  }

  it("asks for HELO first with CheckHelo", () => {
    assert.deepEqual(asked({ checkHelo: true }, { "helo.test": "pass" }), [HELO, SENDER]);
  });

  for (const helo of ["localhost", "[192.0.2.9]", "192.0.2.9", "", "a..b", "mx evil.test"]) {
    it(`does not ask for the HELO name ${JSON.stringify(helo)}`, () => {
      assert.deepEqual(asked({ checkHelo: true }, {}, { helo }), [SENDER]);
    });
  }

  it("ends with a HELO fail that is refused", () => {
    assert.deepEqual(asked({ checkHelo: true }, { "helo.test": "fail" }), [HELO]);
  });

  it("goes on after a HELO fail that is not refused", () => {
    const zone = { "helo.test": "fail" } as const;
    assert.deepEqual(asked({ checkHelo: true, refuseHeloFail: "off" }, zone), [HELO, SENDER]);
    assert.deepEqual(asked({ checkHelo: true, refuseHeloFail: "nomail" }, zone), [HELO, SENDER]);
    assert.deepEqual(asked({ checkHelo: true, reportOnly: true }, zone), [HELO, SENDER]);
  });

  for (const [what, actions, goesOn] of [
    ["takes a HELO fail", { refuseHeloFail: "off" }, true],
    ["only reports one", { reportOnly: true }, true],
    ["is not checked", { check: false }, true],
    ["refuses only names without mail", { refuseHeloFail: "nomail" }, true],
    ["refuses it with another tag", { tag: "[x]" }, false],
    ["refuses it as the others do", { refuseHeloFail: "on" }, false],
  ] as const) {
    it(`${goesOn ? "goes on" : "ends"} after a HELO fail where a recipient ${what}`, () => {
      const policyFor = [
        line({ from: pattern("u@"), actions: { refuseHeloFail: "off" } }),
        line({ from: pattern("u@"), actions: { refuseHeloFail: "on" } }),
        line({ to: pattern("bob@"), actions }),
      ];
      const steps = asked({ checkHelo: true, policyFor }, { "helo.test": "fail" });
      assert.deepEqual(steps, goesOn ? [HELO, SENDER] : [HELO]);
    });
  }

  it("goes on after every other HELO result", () => {
    for (const result of ["softfail", "neutral", "none", "temperror", "permerror"] as const) {
      assert.deepEqual(asked({ checkHelo: true }, { "helo.test": result }), [HELO, SENDER]);
    }
  });

  it("asks for forwarders only where something would be done", () => {
    const settings = { trustedForwarder: FORWARDERS };
    for (const result of ["pass", "none", "neutral", "temperror", "permerror"] as const) {
      assert.deepEqual(asked(settings, { "sender.test": result }), [SENDER], result);
    }
    for (const result of ["fail", "softfail"] as const) {
      assert.deepEqual(asked(settings, { "sender.test": result }), [SENDER, FW1, FW2], result);
    }
    const off = { ...settings, refuseFail: "off", tagSubject: false } as const;
    assert.deepEqual(asked(off, { "sender.test": "fail" }), [SENDER]);
  });

  it("stops at the first forwarder that the client is", () => {
    const settings = { trustedForwarder: FORWARDERS };
    assert.deepEqual(asked(settings, { "sender.test": "fail", "fw1.test": "pass" }), [SENDER, FW1]);
    assert.deepEqual(asked(settings, { "sender.test": "fail", "fw1.test": "softfail", "fw2.test": "pass" }), [
      SENDER,
      FW1,
      FW2,
    ]);
  });

  it("asks for forwarders before a HELO fail is refused, and then for the sender", () => {
    const settings = { checkHelo: true, trustedForwarder: FORWARDERS };
    assert.deepEqual(asked(settings, { "helo.test": "fail", "fw1.test": "pass" }), [HELO, FW1, SENDER]);
    assert.deepEqual(asked(settings, { "helo.test": "fail" }), [HELO, FW1, FW2]);
  });

  it("asks for forwarders where a recipient's options may act", () => {
    const settings = {
      trustedForwarder: ["fw1.test"],
      policyFor: [line({ to: pattern("strict@"), actions: { refuseNeutral: true } })],
    };
    assert.deepEqual(asked(settings, { "sender.test": "neutral" }), [SENDER, FW1]);
    assert.deepEqual(asked(settings, { "sender.test": "pass" }), [SENDER]);
  });

  it("asks for forwarders where a recipient's options may refuse for HELO or local policy", () => {
    const settings = {
      checkHelo: true,
      refuseFail: "off",
      refuseHeloFail: "off",
      tagSubject: false,
      trustedForwarder: ["fw1.test"],
      policyFor: [line({ to: pattern("strict@"), actions: { refuseFail: "on", refuseHeloFail: "on" } })],
    } as const;
    const zone = { "helo.test": "fail", "sender.test": "pass" } as const;
    assert.deepEqual(asked(settings, zone), [HELO, SENDER, FW1]);
    const passing = { "helo.test": "pass", "sender.test": "pass" } as const;
    assert.deepEqual(asked(settings, passing), [HELO, SENDER]);
    const local = { result: "fail", mechanism: "-all" } as const;
    const findings = {
      ...NO_FINDINGS,
      sender: {
        identity: "mailfrom",
        sender: "u@sender.test",
        outcome: outcome("pass", { local }),
      },
    } as const;
    const sender = parsePath("<u@sender.test>", { relaxedLocalPart: false });
    const all = settingsWith({ ...settings, checkHelo: false });
    const policy = policyForMail(all, client(), sender);
    assert.equal(nextCheck(all, policy, { sender, helo: "helo.test" }, findings)?.purpose, "forwarder");
  });
});
