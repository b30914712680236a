import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HandlerAnswer } from "milter-protocol";
import { line, pattern } from "../policy/facts.ts";
import { endOf, OFFER, Rig, type RigOptions, shownActions, shownEdits, spoken } from "./rig.ts";

const ZONE = { "sender.test": "fail", "soft.test": "softfail" } as const;
const VIP = { whitelistTo: [pattern("vip@rig.test")] };

/** The answers at MAIL and RCPT, and the edits that do not record the result. */
function passage(options: RigOptions, path: string, recipients: readonly string[]) {
  const rig = new Rig({ zone: ZONE, ...options });
  const { mail, rcpts, end } = rig.message(path, recipients, [["Subject", "hello"]]);
  const answers: HandlerAnswer[] = [mail, ...rcpts];
  return {
    spoken: answers.map(spoken),
    end: spoken(end.response),
    edits: shownEdits(end).filter((edit) => !edit.startsWith("insert 0")),
    fields: end.edits.filter(({ kind }) => kind === "insertHeader").length,
    actions: shownActions(rig),
  };
}

const TAG = "change Subject 1: [SPF:fail] hello";

describe("WhitelistTo", () => {
  for (const order of [
    ["<vip@rig.test>", "<bob@rig.test>"],
    ["<bob@rig.test>", "<vip@rig.test>"],
  ]) {
    const [first, second] = order.map((path) => path.slice(1, 4));
    it(`exempts that recipient of a fail and no other, ${first} before ${second}`, () => {
      const { spoken, edits, end, fields, actions } = passage({ settings: VIP }, "<u@sender.test>", order);
      const expected = order.map((path) => (path === "<vip@rig.test>" ? "continue" : "550 5.7.23"));
      assert.deepEqual(spoken, ["continue", ...expected]);
      assert.deepEqual(edits, []);
      assert.equal(end, "continue");
      assert.equal(fields, 2);
      assert.deepEqual(actions, [
        "refused: SPF fail <bob@rig.test> [550 5.7.23]",
        "skipped: WhitelistTo vip@rig.test <vip@rig.test>",
      ]);
    });

    it(`lets the Subject follow those who want the tag, ${first} before ${second}`, () => {
      const { spoken, edits } = passage({ settings: VIP }, "<u@soft.test>", order);
      assert.deepEqual(spoken, ["continue", "continue", "continue"]);
      assert.deepEqual(edits, [TAG]);
    });

    it(`quarantines the others without naming them, ${first} before ${second}`, () => {
      const settings = { ...VIP, quarantine: true };
      const { edits, actions } = passage({ settings }, "<u@soft.test>", order);
      assert.deepEqual(edits, ["delrcpt <bob@rig.test>", "addrcpt <postmaster>"]);
      assert.deepEqual(actions, [
        "skipped: WhitelistTo vip@rig.test <vip@rig.test>",
        "quarantined: SPF softfail <bob@rig.test>",
      ]);
    });

    it(`does not hold a message that somebody keeps, ${first} before ${second}`, () => {
      const settings = { ...VIP, quarantine: true, quarantineMode: "hold" } as const;
      assert.deepEqual(passage({ settings }, "<u@soft.test>", order).edits, [
        "delrcpt <bob@rig.test>",
        "addrcpt <postmaster>",
      ]);
    });
  }

  it("moves a temperror to RCPT as well", () => {
    const settings = { ...VIP, acceptTempError: false };
    const { spoken } = passage({ settings, zone: { "t.test": "temperror" } }, "<u@t.test>", [
      "<vip@rig.test>",
      "<bob@rig.test>",
    ]);
    assert.deepEqual(spoken, ["continue", "continue", "451 4.7.24"]);
  });

  it("tells nothing of it where nothing would be done", () => {
    assert.deepEqual(passage({ settings: VIP, zone: {} }, "<u@none.test>", ["<vip@rig.test>"]).actions, []);
  });
});

describe("rcpt", () => {
  it("refuses every recipient with RejectAt rcpt", () => {
    const { spoken } = passage({ settings: { rejectAt: "rcpt" } }, "<u@sender.test>", [
      "<a@rig.test>",
      "<b@rig.test>",
    ]);
    assert.deepEqual(spoken, ["continue", "550 5.7.23", "550 5.7.23"]);
  });

  for (const [argument, answer] of [
    ["<postmaster>", "continue"],
    ["<bob@rig.test>", "continue"],
    ["<bob>", "550 5.1.3"],
    ["<>", "550 5.1.3"],
    ["<bob@rig.test", "550 5.1.3"],
    [`<${"l".repeat(65)}@rig.test>`, "550 5.1.3"],
  ] as const) {
    it(`answers "${answer}" to ${argument.slice(0, 20)} where RCPT is answered anyway`, () => {
      const settings = { rejectAt: "rcpt", relaxedLocalPart: false } as const;
      assert.equal(passage({ settings, zone: {} }, "<u@none.test>", [argument]).spoken[1], answer);
    });
  }

  it("answers 450 4.1.3 with SoftFail, and nothing with ReportOnly", () => {
    const rcpt = (settings: RigOptions["settings"]) =>
      passage({ settings: { rejectAt: "rcpt", ...settings }, zone: {} }, "<u@none.test>", ["<bob>"])
        .spoken[1];
    assert.equal(rcpt({ softFail: true }), "450 4.1.3");
    assert.equal(rcpt({ reportOnly: true }), "continue");
    assert.equal(rcpt({ relaxedLocalPart: true }), "550 5.1.3");
  });

  it("looks at no recipient of a sender that is not checked", () => {
    const settings = { rejectAt: "rcpt", whitelistFrom: [pattern("@sender.test")] } as const;
    assert.deepEqual(passage({ settings }, "<u@sender.test>", ["<bob>"]).spoken, ["continue", "continue"]);
  });
});

describe("PolicyFor a recipient", () => {
  const lax = line({ to: pattern("@lax.test"), actions: { refuseFail: "off", tag: "[LAX]" } });
  const off = line({ to: pattern("@off.test"), actions: { check: false } });
  const strict = line({ to: pattern("@strict.test"), actions: { refuseSoftFail: true } });
  const settings = { policyFor: [lax, off, strict] };

  it("decides for each recipient by its own options", () => {
    const fail = passage({ settings }, "<u@sender.test>", ["<a@lax.test>", "<b@rig.test>", "<c@off.test>"]);
    assert.deepEqual(fail.spoken, ["continue", "continue", "550 5.7.23", "continue"]);
    assert.deepEqual(fail.edits, ["change Subject 1: [LAX] hello"]);
    const soft = passage({ settings }, "<u@soft.test>", ["<a@strict.test>", "<b@rig.test>"]);
    assert.deepEqual(soft.spoken, ["continue", "550 5.7.23", "continue"]);
  });

  it("adds no field where nobody who remains is checked for", () => {
    assert.equal(passage({ settings }, "<u@sender.test>", ["<c@off.test>", "<b@rig.test>"]).fields, 0);
    assert.equal(passage({ settings }, "<u@sender.test>", ["<c@off.test>", "<a@lax.test>"]).fields, 2);
    assert.equal(passage({ settings, zone: { "p.test": "pass" } }, "<u@p.test>", ["<c@off.test>"]).fields, 0);
  });

  it("can have a recipient checked where others are not", () => {
    const only = {
      check: false,
      policyFor: [line({ to: pattern("@strict.test"), actions: { check: true } })],
    };
    const { spoken, fields } = passage({ settings: only }, "<u@sender.test>", [
      "<a@strict.test>",
      "<b@rig.test>",
    ]);
    assert.deepEqual(spoken, ["continue", "550 5.7.23", "continue"]);
    assert.equal(fields, 0);
  });

  it("can spare a recipient a HELO fail, and then judges the sender for it", () => {
    const spared = line({ to: pattern("@lax.test"), actions: { refuseHeloFail: "off" } });
    const settings = { checkHelo: true, policyFor: [spared] };
    for (const [sender, lax, edits] of [
      ["pass", "continue", []],
      ["softfail", "continue", [TAG]],
      // Nobody is left whose message could be edited.
      ["fail", "550 5.7.23", undefined],
    ] as const) {
      const zone = { "helo.sender.test": "fail", "sender.test": sender } as const;
      const seen = passage({ settings, zone }, "<u@sender.test>", ["<a@lax.test>", "<b@rig.test>"]);
      assert.deepEqual(seen.spoken, ["continue", lax, "550 5.7.23"], sender);
      if (edits !== undefined) assert.deepEqual(seen.edits, edits, sender);
    }
  });
});

describe("quarantine", () => {
  const settings = { quarantine: true, quarantineBox: "box@rig.test" };

  it("moves every recipient into the box and names each", () => {
    const { edits, actions } = passage({ settings }, "<u@soft.test>", ["<a@rig.test>", "<b@rig.test>"]);
    assert.deepEqual(edits, [
      TAG,
      "insert 1000000 X-SPF-Original-To: <a@rig.test>",
      "insert 1000000 X-SPF-Original-To: <b@rig.test>",
      "delrcpt <a@rig.test>",
      "delrcpt <b@rig.test>",
      "addrcpt <box@rig.test>",
    ]);
    assert.deepEqual(actions, [
      "tagged: SPF softfail",
      "quarantined: SPF softfail <a@rig.test> <b@rig.test>",
    ]);
  });

  it("takes a fail that is not refused", () => {
    const lax = { ...settings, refuseFail: "off" } as const;
    assert.ok(
      passage({ settings: lax }, "<u@sender.test>", ["<a@rig.test>"]).edits.includes("delrcpt <a@rig.test>"),
    );
  });

  it("lets other results go", () => {
    for (const result of ["pass", "none", "neutral", "temperror", "permerror"] as const) {
      assert.deepEqual(
        passage({ settings, zone: { "x.test": result } }, "<u@x.test>", ["<a@rig.test>"]).edits,
        [],
      );
    }
  });

  it("puts angle brackets context a recipient that came without", () => {
    const { edits } = passage({ settings }, "<u@soft.test>", ["a@rig.test"]);
    assert.ok(edits.includes("delrcpt <a@rig.test>"));
  });

  it("holds the message with QuarantineMode hold", () => {
    const hold = { ...settings, quarantineMode: "hold" } as const;
    const { edits, actions } = passage({ settings: hold }, "<u@soft.test>", ["<a@rig.test>"]);
    assert.deepEqual(edits, [TAG, "hold SPF softfail"]);
    assert.deepEqual(actions, ["tagged: SPF softfail", "held: SPF softfail <a@rig.test>"]);
  });

  for (const [what, mode, actions, edit] of [
    ["hold without SMFIF_QUARANTINE", "hold", 0x1f, "addrcpt <box@rig.test>"],
    ["mailbox without SMFIF_DELRCPT", "mailbox", 0x37, "hold SPF softfail"],
    ["mailbox without either", "mailbox", 0x17, TAG],
    ["hold without either", "hold", 0x17, TAG],
  ] as const) {
    it(`does the best that the MTA offers for ${what}`, () => {
      const options = { settings: { ...settings, quarantineMode: mode }, offer: { ...OFFER, actions } };
      assert.equal(passage(options, "<u@soft.test>", ["<a@rig.test>"]).edits.at(-1), edit);
    });
  }

  it("edits nothing that the MTA does not offer", () => {
    const { edits, fields, actions } = passage(
      { settings, offer: { ...OFFER, actions: 0x1 } },
      "<u@soft.test>",
      ["<a@rig.test>"],
    );
    assert.deepEqual(edits, []);
    assert.equal(fields, 2);
    assert.deepEqual(actions, []);
  });

  it("edits nothing at all where the MTA offers nothing", () => {
    const { edits, fields } = passage({ settings, offer: { ...OFFER, actions: 0 } }, "<u@soft.test>", [
      "<a@rig.test>",
    ]);
    assert.deepEqual(edits, []);
    assert.equal(fields, 0);
  });

  it("spells an 8-bit recipient in ASCII unless the message is SMTPUTF8", () => {
    const { edits } = passage({ settings }, "<u@soft.test>", ["<j\xc3\xb6rg@rig.test>"]);
    assert.ok(edits.includes("insert 1000000 X-SPF-Original-To: <j\\x{F6}rg@rig.test>"));
    assert.ok(edits.includes("delrcpt <j\xc3\xb6rg@rig.test>"));
  });

  it("moves a hundred recipients", () => {
    const many = Array.from({ length: 100 }, (_, i) => `<r${i}@rig.test>`);
    const { edits } = passage({ settings }, "<u@soft.test>", many);
    assert.equal(edits.filter((edit) => edit.startsWith("delrcpt")).length, 100);
    assert.equal(edits.filter((edit) => edit.startsWith("addrcpt")).length, 1);
  });
});

describe("ReportOnly", () => {
  const settings = { reportOnly: true, quarantine: true };

  it("adds fields and tells at the end of a refusal at MAIL", () => {
    const { spoken, edits, fields, actions } = passage({ settings }, "<u@sender.test>", ["<a@rig.test>"]);
    assert.deepEqual(spoken, ["continue", "continue"]);
    assert.deepEqual(edits, []);
    assert.equal(fields, 2);
    assert.deepEqual(actions, ["refused: SPF fail <a@rig.test> [550 5.7.23] (told only)"]);
  });

  it("names queue id and recipients, each reply once, and waits for the end of the message", () => {
    for (const rejectAt of ["mail", "rcpt", "eom"] as const) {
      const rig = new Rig({ settings: { ...settings, rejectAt }, zone: ZONE });
      rig.start("<u@sender.test>");
      rig.rcpt("<a@rig.test>");
      rig.rcpt("<b@rig.test>");
      assert.deepEqual(rig.actions, []);
      rig.eom({ i: "Q9" });
      assert.deepEqual(shownActions(rig), [
        "refused: SPF fail <a@rig.test> <b@rig.test> [550 5.7.23] (told only)",
      ]);
      assert.deepEqual(
        rig.events.map(({ queueId }) => queueId),
        ["Q1", "Q9"],
      );
    }
    const left = new Rig({ settings, zone: ZONE });
    left.start("<u@sender.test>");
    left.filter.abort();
    assert.deepEqual(left.actions, []);
  });

  it("tells of a refusal at RCPT and at the end of the message", () => {
    const at = (rejectAt: "rcpt" | "eom") =>
      passage({ settings: { ...settings, rejectAt } }, "<u@sender.test>", ["<a@rig.test>"]);
    assert.deepEqual(at("rcpt").actions, ["refused: SPF fail <a@rig.test> [550 5.7.23] (told only)"]);
    assert.deepEqual(at("eom").actions, ["refused: SPF fail <a@rig.test> [550 5.7.23] (told only)"]);
    assert.equal(at("eom").end, "continue");
  });

  it("tells of tag and quarantine", () => {
    const { edits, actions } = passage({ settings }, "<u@soft.test>", ["<a@rig.test>"]);
    assert.deepEqual(edits, []);
    assert.deepEqual(actions, [
      "tagged: SPF softfail <a@rig.test> (told only)",
      "quarantined: SPF softfail <a@rig.test> (told only)",
    ]);
    const [tag] = passage({ settings: { reportOnly: true } }, "<u@soft.test>", [
      "<a@rig.test>",
      "<b@rig.test>",
    ]).actions;
    assert.equal(tag, "tagged: SPF softfail <a@rig.test> <b@rig.test> (told only)");
  });

  it("lets a sender that is no address pass, unchecked", () => {
    const { spoken, fields, actions } = passage({ settings }, "<u>", ["<a@rig.test>"]);
    assert.deepEqual(spoken, ["continue", "continue"]);
    assert.equal(fields, 0);
    assert.match(actions[0] ?? "", /^refused: sender syntax: .* \[550 5\.1\.7\] \(told only\)$/);
  });

  it("evaluates the sender after a HELO fail that would be refused", () => {
    const options = {
      settings: { reportOnly: true, checkHelo: true },
      zone: { "helo.sender.test": "fail", "sender.test": "pass" },
    } as const;
    const { fields, actions } = passage(options, "<u@sender.test>", []);
    assert.equal(fields, 2);
    assert.deepEqual(actions, ["refused: SPF fail of HELO [550 5.7.23] (told only)"]);
  });

  it("still removes forged fields", () => {
    const rig = new Rig({ settings, zone: ZONE });
    const { end } = rig.message("<u@sender.test>", [], [["Authentication-Results", "mx.rig.test; spf=pass"]]);
    assert.equal(shownEdits(end)[0], "delete Authentication-Results 1");
  });

  it("spares one recipient and not the other", () => {
    const one = { quarantine: true, policyFor: [line({ to: pattern("a@"), actions: { reportOnly: true } })] };
    const soft = passage({ settings: one }, "<u@soft.test>", ["<a@rig.test>", "<b@rig.test>"]);
    assert.deepEqual(soft.edits, ["delrcpt <b@rig.test>", "addrcpt <postmaster>"]);
    const fail = passage({ settings: one }, "<u@sender.test>", ["<a@rig.test>", "<b@rig.test>"]);
    assert.deepEqual(fail.spoken, ["continue", "continue", "550 5.7.23"]);
  });
});

describe("more recipients than are kept", () => {
  const settings = { quarantine: true };

  it("have their message refused for the time being at its end, and only that one", () => {
    const rig = new Rig({ settings, zone: ZONE });
    rig.connect();
    rig.mail("<u@soft.test>");
    for (let i = 0; i < 10_001; i++) assert.deepEqual(rig.rcpt(`<u${i}@rig.test>`), { kind: "continue" });
    assert.equal(spoken(endOf(rig.eom()).response), "452 4.5.3");
    const { end } = rig.message("<u@soft.test>", ["<a@rig.test>"], []);
    assert.ok(shownEdits(end).includes("addrcpt <postmaster>"));
  });

  it("are counted by their octets too", () => {
    const rig = new Rig({ settings: { ...settings, reportOnly: true }, zone: ZONE });
    rig.connect();
    rig.mail("<u@soft.test>");
    for (let i = 0; i < 20; i++) rig.rcpt(`<${"x".repeat(100_000)}${i}@rig.test>`);
    assert.equal(
      shownEdits(endOf(rig.eom())).some((edit) => edit.startsWith("delrcpt")),
      false,
    );
    assert.ok(
      rig.events.some(
        (event) => event.event === "action" && event.reason === "too many recipients" && event.reportOnly,
      ),
    );
  });
});
