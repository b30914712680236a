import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LATER } from "../../src/milter-protocol/index.ts";
import { Rig, shownEdits, spoken } from "./rig.ts";

describe("createFilter", () => {
  it("records a pass above everything else", () => {
    const rig = new Rig({ zone: { "sender.test": "pass" } });
    const { mail, end } = rig.message("<user@sender.test>", ["<bob@rig.test>"], [["Subject", "hello"]]);
    assert.equal(spoken(mail), "continue");
    assert.deepEqual(shownEdits(end), [
      'insert 0 Received-SPF: Pass (mx.rig.test: domain of user@sender.test designates 192.0.2.9 as permitted sender) receiver=mx.rig.test; client-ip=192.0.2.9; identity=mailfrom; envelope-from="user@sender.test"; helo=helo.sender.test; mechanism=-all',
      "insert 0 Authentication-Results: mx.rig.test; spf=pass smtp.mailfrom=user@sender.test",
    ]);
    assert.equal(end.response.kind, "continue");
    assert.equal(rig.actions.length, 0);
  });

  it("refuses a fail at MAIL", () => {
    const rig = new Rig({ zone: { "sender.test": "fail" } });
    const answer = rig.start();
    assert.equal(spoken(answer), "550 5.7.23");
    assert.equal(rig.actions[0]?.action, "refused");
  });

  it("tags the first Subject of a softfail", () => {
    const rig = new Rig({ zone: { "sender.test": "softfail" } });
    const { end } = rig.message(
      "<user@sender.test>",
      [],
      [
        ["SUBJECT", "one"],
        ["Subject", "two"],
      ],
    );
    assert.equal(shownEdits(end)[0], "change Subject 1: [SPF:fail] one");
  });

  it("answers MAIL later when the verdict comes later", () => {
    const rig = new Rig({ zone: { "sender.test": "fail" }, late: true });
    assert.equal(rig.start(), LATER);
    rig.arrive();
    assert.equal(rig.resumed.length, 1);
    assert.equal(spoken(rig.resumed[0] as never), "550 5.7.23");
  });
});
