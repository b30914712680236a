import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Outcome, SPF_RESULTS, type SpfResult } from "spf-check";
import { type ActionSettings, describeCause, type Findings, NO_FINDINGS } from "../../../src/policy/index.ts";
import { actingResult, isActedUpon, judge } from "../../../src/policy/judgement.ts";
import { outcome, settingsWith } from "./facts.ts";

const rule = (result: SpfResult) => ({ result, mechanism: "mx" });

function findings(changes: {
  sender?: Outcome;
  nullSender?: Outcome;
  helo?: Outcome;
  forwarder?: string;
}): Findings {
  const { sender, nullSender, helo, forwarder } = changes;
  const postmaster = "postmaster@helo.sender.test";
  return {
    ...NO_FINDINGS,
    forwarder,
    helo: helo && { identity: "helo", sender: postmaster, outcome: helo },
    sender:
      (sender && { identity: "mailfrom", sender: "u@sender.test", outcome: sender }) ??
      (nullSender && { identity: "helo", sender: postmaster, outcome: nullSender }),
  };
}

/** `refuse`, `flag` or `deliver` for every result of the sender, in the order of SPF_RESULTS. */
const ROWS: readonly [what: string, actions: Partial<ActionSettings>, row: string][] = [
  // none neutral pass fail softfail temperror permerror
  ["the defaults", {}, "deliver deliver deliver refuse flag deliver deliver"],
  ["RefuseFail off", { refuseFail: "off" }, "deliver deliver deliver flag flag deliver deliver"],
  ["RefuseFail nomail", { refuseFail: "nomail" }, "deliver deliver deliver flag flag deliver deliver"],
  ["RefuseSoftFail", { refuseSoftFail: true }, "deliver deliver deliver refuse refuse deliver deliver"],
  ["RefuseNeutral", { refuseNeutral: true }, "deliver refuse deliver refuse flag deliver deliver"],
  ["RefuseSPFNone", { refuseSPFNone: true }, "refuse deliver deliver refuse flag deliver deliver"],
  ["RefuseSPFNoneHelo", { refuseSPFNoneHelo: true }, "deliver deliver deliver refuse flag deliver deliver"],
  ["RefusePermError", { refusePermError: true }, "deliver deliver deliver refuse flag deliver refuse"],
  ["AcceptTempError off", { acceptTempError: false }, "deliver deliver deliver refuse flag refuse deliver"],
  ["SPFBehavior 0", { check: false }, "deliver deliver deliver deliver deliver deliver deliver"],
  ["RefuseHeloFail off", { refuseHeloFail: "off" }, "deliver deliver deliver refuse flag deliver deliver"],
];

describe("judge", () => {
  for (const [what, actions, row] of ROWS) {
    it(`follows ${what} for the results of a sender`, () => {
      const judged = SPF_RESULTS.map(
        (result) => judge(settingsWith(actions), findings({ sender: outcome(result) })).kind,
      );
      assert.equal(judged.join(" "), row);
    });
  }

  it("follows RefuseSPFNoneHelo and not RefuseSPFNone for the null sender", () => {
    const none = findings({ nullSender: outcome("none") });
    assert.equal(judge(settingsWith({ refuseSPFNone: true }), none).kind, "deliver");
    assert.equal(judge(settingsWith({ refuseSPFNoneHelo: true }), none).kind, "refuse");
  });

  it("follows RefuseFail and not RefuseHeloFail for the null sender", () => {
    const fail = findings({ nullSender: outcome("fail") });
    assert.equal(judge(settingsWith({ refuseHeloFail: "off" }), fail).kind, "refuse");
    assert.equal(judge(settingsWith({ refuseFail: "off" }), fail).kind, "flag");
  });

  it("refuses with nomail only domains whose whole record is v=spf1 -all", () => {
    const actions = settingsWith({ refuseFail: "nomail" });
    for (const [record, kind] of [
      ["v=spf1 -all", "refuse"],
      ["V=SPF1  -ALL", "refuse"],
      ["v=spf1 mx -all", "flag"],
      ["v=spf1 -all exp=e.test", "flag"],
      [undefined, "flag"],
    ] as const) {
      assert.equal(judge(actions, findings({ sender: outcome("fail", { record }) })).kind, kind, record);
    }
  });

  it("delivers whatever a known forwarder brings", () => {
    for (const result of SPF_RESULTS) {
      const actions = settingsWith({ acceptTempError: false, refuseSoftFail: true, refusePermError: true });
      const judged = judge(
        actions,
        findings({ sender: outcome(result), helo: outcome("fail"), forwarder: "fw.test" }),
      );
      assert.equal(judged.kind, "deliver");
    }
  });

  it("refuses a HELO fail whatever the sender's result is", () => {
    const judged = judge(settingsWith({}), findings({ helo: outcome("fail"), sender: outcome("pass") }));
    assert.equal(judged.kind === "refuse" && judged.cause.checked.identity, "helo");
  });

  it("lets the sender's result decide where a HELO fail is not refused", () => {
    const actions = settingsWith({ refuseHeloFail: "off" });
    assert.equal(
      judge(actions, findings({ helo: outcome("fail"), sender: outcome("pass") })).kind,
      "deliver",
    );
    assert.equal(judge(actions, findings({ helo: outcome("fail"), sender: outcome("fail") })).kind, "refuse");
  });

  it("refuses a HELO fail with nomail only for a name that sends no mail", () => {
    const actions = settingsWith({ refuseHeloFail: "nomail" });
    const both = (record: string) => findings({ helo: outcome("fail", { record }), sender: outcome("pass") });
    assert.equal(judge(actions, both("v=spf1 -all")).kind, "refuse");
    assert.equal(judge(actions, both("v=spf1 a -all")).kind, "deliver");
  });

  it("does nothing for a HELO result other than fail", () => {
    const actions = settingsWith({ acceptTempError: false, refuseSoftFail: true, refuseSPFNoneHelo: true });
    for (const result of SPF_RESULTS.filter((each) => each !== "fail")) {
      const judged = judge(actions, findings({ helo: outcome(result), sender: outcome("pass") }));
      assert.equal(judged.kind, "deliver", result);
    }
  });

  it("marks the HELO fail for a recipient that does not refuse it where it ended the evaluation", () => {
    const judged = judge(settingsWith({ refuseHeloFail: "off" }), findings({ helo: outcome("fail") }));
    assert.equal(judged.kind, "flag");
  });

  it("acts on the local result, whatever is published", () => {
    for (const result of SPF_RESULTS) {
      const passed = findings({ sender: outcome(result, { local: rule("pass") }) });
      const failed = findings({ sender: outcome(result, { local: rule("fail") }) });
      const actions = settingsWith({ acceptTempError: false, refusePermError: true, refuseSPFNone: true });
      assert.equal(judge(actions, passed).kind, "deliver", result);
      assert.equal(judge(actions, failed).kind, "refuse", result);
    }
  });

  it("acts on a guess fail as on a fail", () => {
    const guessed = findings({ sender: outcome("none", { guess: rule("fail") }) });
    assert.equal(judge(settingsWith({}), guessed).kind, "refuse");
    assert.equal(judge(settingsWith({ refuseFail: "off" }), guessed).kind, "flag");
    assert.equal(judge(settingsWith({ refuseFail: "nomail" }), guessed).kind, "flag");
  });

  it("lets a guess pass satisfy RefuseSPFNone, and no other guess", () => {
    const actions = settingsWith({ refuseSPFNone: true, refuseSoftFail: true });
    const guessed = (result: SpfResult) => findings({ sender: outcome("none", { guess: rule(result) }) });
    assert.equal(judge(actions, guessed("pass")).kind, "deliver");
    for (const result of ["softfail", "neutral"] as const) {
      const judged = judge(actions, guessed(result));
      assert.equal(judged.kind === "refuse" && judged.cause.result, "none");
    }
  });

  it("delivers before anything is known", () => {
    assert.equal(judge(settingsWith({}), NO_FINDINGS).kind, "deliver");
  });
});

describe("actingResult", () => {
  it("keeps apart who said it", () => {
    assert.deepEqual(actingResult(outcome("fail")), { result: "fail", basis: "published" });
    assert.deepEqual(actingResult(outcome("fail", { local: rule("pass") })), {
      result: "pass",
      basis: "local",
    });
    assert.deepEqual(actingResult(outcome("none", { guess: rule("fail") })), {
      result: "fail",
      basis: "guess",
    });
    assert.deepEqual(actingResult(outcome("none", { guess: rule("softfail") })), {
      result: "none",
      basis: "published",
    });
  });
});

describe("an error in local rules", () => {
  for (const error of ["temperror", "permerror"] as const) {
    for (const published of SPF_RESULTS) {
      it(`that is ${error} leaves a published ${published}`, () => {
        assert.deepEqual(actingResult(outcome(published, { local: rule(error) })), {
          result: published,
          basis: "published",
        });
      });
    }
  }
});

describe("isActedUpon", () => {
  it("says whether the options do anything about it", () => {
    const flag = judge(settingsWith({}), findings({ sender: outcome("softfail") }));
    const refuse = judge(settingsWith({}), findings({ sender: outcome("fail") }));
    const deliver = judge(settingsWith({}), findings({ sender: outcome("pass") }));
    const off = settingsWith({ tagSubject: false });
    assert.equal(isActedUpon(settingsWith({}), flag), true);
    assert.equal(isActedUpon(off, flag), false);
    assert.equal(isActedUpon(settingsWith({ tagSubject: false, quarantine: true }), flag), true);
    assert.equal(isActedUpon(off, refuse), true);
    assert.equal(isActedUpon(settingsWith({}), deliver), false);
  });
});

describe("describeCause", () => {
  for (const [found, words] of [
    [{ sender: outcome("fail") }, "SPF fail"],
    [{ nullSender: outcome("softfail") }, "SPF softfail of HELO"],
    [{ sender: outcome("pass", { local: rule("fail") }) }, "SPF pass, local policy fail"],
    [{ sender: outcome("none", { guess: rule("fail") }) }, "SPF none, best guess fail"],
  ] as const) {
    it(`says "${words}"`, () => {
      const judged = judge(settingsWith({}), findings(found));
      assert.ok(judged.kind !== "deliver");
      assert.equal(describeCause(judged.cause), words);
    });
  }
});
