import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatNetwork } from "../../../src/address/index.ts";
import type { PolicyFor } from "../../../src/policy/index.ts";
import { parse, reports, settingsOf } from "./reading.ts";

function only(text: string): PolicyFor {
  const { policyFor } = settingsOf(text);
  const [first] = policyFor;
  assert.ok(first !== undefined && policyFor.length === 1);
  return first;
}

describe("PolicyFor", () => {
  it("reads selectors and options in any order and case", () => {
    const { ip, ptr, from, to, actions } = only(
      "PolicyFor TO=.Example.net refusefail=NOMAIL Ip=192.0.2.7 PTR=.Dyn.example From=bulk@ Tag=[b]\n",
    );
    assert.equal(ip === undefined ? undefined : formatNetwork(ip), "192.0.2.7");
    assert.equal(ptr, ".dyn.example");
    assert.deepEqual(from, { kind: "localPart", text: "bulk" });
    assert.deepEqual(to, { kind: "subdomains", text: "example.net" });
    assert.deepEqual(actions, { refuseFail: "nomail", refuseHeloFail: "nomail", tag: "[b]" });
  });

  it("reads quoted values with spaces, = and #", () => {
    const { actions } = only(
      'PolicyFor to=a@example.net RejectReason="No, {sender}: see https://x.example/?a=b#c" "Tag=[two words]" # end\n',
    );
    assert.deepEqual(actions, {
      rejectReason: "No, {sender}: see https://x.example/?a=b#c",
      tag: "[two words]",
    });
  });

  it("takes every option of its section", () => {
    const { actions } = only(
      "PolicyFor ip=::1 RefuseFail=off RefuseHeloFail=on RefuseSoftFail=on RefuseNeutral=on RefuseSPFNone=on " +
        "RefuseSPFNoneHelo=on RefusePermError=on AcceptTempError=off SoftFail=on RejectReason=no RejectAt=eom " +
        "RelaxedLocalPart=on TagSubject=off Tag=t Quarantine=on QuarantineBox=q QuarantineMode=hold ReportOnly=on",
    );
    assert.deepEqual(actions, {
      refuseFail: "off",
      refuseHeloFail: "on",
      refuseSoftFail: true,
      refuseNeutral: true,
      refuseSPFNone: true,
      refuseSPFNoneHelo: true,
      refusePermError: true,
      acceptTempError: false,
      softFail: true,
      rejectReason: "no",
      rejectAt: "eom",
      relaxedLocalPart: true,
      tagSubject: false,
      tag: "t",
      quarantine: true,
      quarantineBox: "q",
      quarantineMode: "hold",
      reportOnly: true,
    });
  });

  it("spells SPFBehavior out, and options of the same line win", () => {
    const { actions } = only("PolicyFor ip=192.0.2.1 RefuseFail=off SPFBehavior=4 Quarantine=on\n");
    assert.deepEqual(actions, {
      check: true,
      acceptTempError: false,
      refuseFail: "off",
      refuseHeloFail: "off",
      refuseSoftFail: true,
      refuseNeutral: false,
      refuseSPFNone: false,
      refuseSPFNoneHelo: false,
      refusePermError: false,
      tagSubject: false,
      quarantine: true,
    });
  });

  it("turns the check on for some mail while it is off for the rest", () => {
    const { check, policyFor } = settingsOf("SPFBehavior 0\nPolicyFor to=@a.example SPFBehavior=3\n");
    assert.equal(check, false);
    assert.equal(policyFor[0]?.actions.check, true);
  });

  it("lets RefuseHeloFail follow RefuseFail unless the file gives it outside", () => {
    const line = "PolicyFor ip=192.0.2.1 RefuseFail=off\n";
    assert.equal(only(line).actions.refuseHeloFail, "off");
    assert.equal("refuseHeloFail" in only(`${line}RefuseHeloFail on\nCheckHelo on\n`).actions, false);
  });

  for (const [options, expected] of [
    ["SPFBehavior=1", "off"],
    ["SPFBehavior=4", "on"],
    ["SPFBehavior=1 RefuseFail=nomail", "nomail"],
    ["SPFBehavior=1 RefuseHeloFail=on", "on"],
  ] as const) {
    it(`sets RefuseHeloFail ${expected} by ${options}, whatever stands outside`, () => {
      for (const outside of ["on", "off", "nomail"]) {
        const text = `CheckHelo on\nRefuseHeloFail ${outside}\nPolicyFor ip=192.0.2.1 ${options}\n`;
        assert.equal(only(text).actions.refuseHeloFail, expected);
      }
    });
  }

  it("keeps the order of its lines, list files included", () => {
    const lists = { "/etc/policies": "ip=192.0.2.2 Tag=two\n# none\nip=192.0.2.3 Tag=three\n" };
    const { policyFor } = settingsOf(
      "PolicyFor ip=192.0.2.1 Tag=one\nPolicyFor file:/etc/policies\nPolicyFor ip=192.0.2.4 Tag=four\n",
      { lists },
    );
    assert.deepEqual(
      policyFor.map(({ actions }) => actions.tag),
      ["one", "two", "three", "four"],
    );
  });

  it("passes warnings on with the part that they are about", () => {
    assert.deepEqual(reports(parse("PolicyFor ip=10.1.2.3/8 RejectReason=100% RefuseFail=on\n")), [
      'warning test.conf:1: PolicyFor: ip=: "10.1.2.3/8" has host bits set; it is read as 10.0.0.0/8',
      "warning test.conf:1: PolicyFor: RejectReason=: a % not followed by s is sent as it is; write %% for a percent sign",
    ]);
  });
});
