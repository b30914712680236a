import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PolicySettings } from "../../../src/policy/index.ts";
import { net, pattern } from "../policy/facts.ts";
import { endOf, Rig, shownActions, shownEdits, spoken } from "./rig.ts";

type Fields = readonly [string, string][];

const AR = "Authentication-Results";
const FORGED = "mx.rig.test; spf=pass smtp.mailfrom=user@bank.test";
const PASS = { "sender.test": "pass" } as const;

/** The fields that are deleted, `NAME INDEX` in the order of the edits. */
function deleted(edits: readonly string[]): string[] {
  return edits.filter((edit) => edit.startsWith("delete ")).map((edit) => edit.slice("delete ".length));
}

function play(
  settings: Partial<PolicySettings>,
  fields: Fields,
  sent: Record<string, string> = {},
  result = "pass",
) {
  const rig = new Rig({ settings, zone: { "sender.test": result as "pass" } });
  rig.start();
  rig.rcpt("<bob@rig.test>");
  for (const [name, value] of fields) rig.header(name, value);
  const end = endOf(rig.eom(sent));
  return { end, edits: shownEdits(end), actions: shownActions(rig), answer: spoken(end.response) };
}

const many = (count: number, name = AR, value = FORGED): Fields =>
  Array.from({ length: count }, () => [name, value] as [string, string]);

describe("Received-SPF of others", () => {
  const incoming: Fields = [
    ["Received-SPF", "Pass (forged) identity=mailfrom; envelope-from=user@bank.test"],
    ["Subject", "hello"],
    ["received-spf", "Pass (forged too)"],
  ];
  const both = ["Received-SPF 2", "Received-SPF 1"];
  const told = "header removed: Received-SPF that is not ours (2)";
  const table: readonly (readonly [
    what: string,
    settings: Partial<PolicySettings>,
    removed: readonly string[],
  ])[] = [
    ["stays below ours", {}, []],
    ["goes with AddReceivedHeader off", { addReceivedHeader: false }, both],
    [
      "goes with AddReceivedHeader off and RemoveForgedHeaders all",
      { addReceivedHeader: false, removeForgedHeaders: "all" },
      both,
    ],
    ["stays with RemoveForgedHeaders off", { addReceivedHeader: false, removeForgedHeaders: "off" }, []],
    ["goes where the sender is not checked", { whitelistFrom: [pattern("@sender.test")] }, both],
    ["goes with SPFBehavior 0", { check: false }, both],
    ["goes with ReportOnly as well", { addReceivedHeader: false, reportOnly: true }, both],
    ["goes behind a relay whose field cannot be read", { trustedRelay: [net("192.0.2.9")] }, both],
  ];
  for (const [what, settings, removed] of table) {
    it(what, () => {
      // Whatever becomes of a relay's message without a readable field, one of ours on top is another matter.
      const { edits, actions } = play(settings, incoming);
      const ours = edits.some((edit) => edit.startsWith("insert 0 Received-SPF"));
      assert.deepEqual(deleted(edits), ours ? [] : removed);
      assert.equal(actions.includes(told), !ours && removed.length > 0);
    });
  }

  it("goes where the MTA cannot insert a field of ours on top", () => {
    const rig = new Rig({ zone: PASS, offer: { version: 6, actions: 0x10, protocol: 0x1fffff } });
    const { end } = rig.message("<user@sender.test>", [], [...incoming]);
    assert.deepEqual(deleted(shownEdits(end)), both);
  });
});

describe("Subjects", () => {
  it("get the tag each, however many there are", () => {
    const { edits } = play(
      { addHeader: false, addReceivedHeader: false },
      [
        ["Subject", "one"],
        ["SUBJECT", "two"],
        ["subject", ""],
      ],
      {},
      "softfail",
    );
    assert.deepEqual(edits, [
      "change Subject 1: [SPF:fail] one",
      "change Subject 2: [SPF:fail] two",
      "change Subject 3: [SPF:fail]",
    ]);
  });

  it("are added where there is none", () => {
    const { edits } = play({ addHeader: false, addReceivedHeader: false }, [], {}, "softfail");
    assert.deepEqual(edits, ["add Subject: [SPF:fail]"]);
  });

  it("end the message where they are more than a hundred", () => {
    const subjects = (count: number) => many(count, "Subject", "hello");
    assert.equal(play({}, subjects(100), {}, "softfail").answer, "continue");
    const { answer, actions, end } = play({}, subjects(101), {}, "softfail");
    assert.equal(answer, "550 5.7.1");
    assert.deepEqual(end.edits, []);
    assert.deepEqual(actions, ["refused: more than 100 header fields to be removed or changed [550 5.7.1]"]);
    assert.equal(play({}, subjects(101)).answer, "continue");
  });
});

describe("fields to be removed", () => {
  const guess = { directives: [], redirect: undefined, explanation: undefined, unknownModifiers: [] };
  const others = many(50, "X-SPF-Guess", "pass (forged)").concat(many(30, "Received-SPF", "Pass"));
  const table: readonly (readonly [
    what: string,
    settings: Partial<PolicySettings>,
    fields: Fields,
    deleted: number | "refused",
  ])[] = [
    ["a hundred", {}, many(100), 100],
    ["one more", {}, many(101), "refused"],
    ["a hundred thousand", {}, many(100_000), "refused"],
    ["one more with ReportOnly", { reportOnly: true }, many(101), "refused"],
    [
      "one more of a sender that is not checked",
      { whitelistFrom: [pattern("@sender.test")] },
      many(101),
      "refused",
    ],
    ["one more, and nobody who looks", { removeForgedHeaders: "off" }, many(101), 0],
    ["a thousand that are not ours", {}, many(1000, AR, "mx.other.test; spf=pass"), 0],
    ["a thousand of a DKIM verifier", {}, many(1000, AR, "mx.rig.test; dkim=pass"), 0],
    ["one more with all", { removeForgedHeaders: "all" }, many(101, AR, "mx.rig.test; dkim=pass"), "refused"],
    ["guesses", { localPolicy: { guess } }, many(101, "X-SPF-Guess", "pass"), "refused"],
    ["a thousand guesses of others", {}, many(1000, "X-SPF-Guess", "pass"), 0],
    ["Received-SPF", { addReceivedHeader: false }, many(101, "Received-SPF", "Pass"), "refused"],
    ["a thousand Received-SPF below ours", {}, many(1000, "Received-SPF", "Pass"), 0],
    ["a hundred of two kinds", { localPolicy: { guess } }, [...others, ...many(50)], 100],
    ["one more of two kinds", { localPolicy: { guess } }, [...others, ...many(51)], "refused"],
  ];
  for (const [what, settings, fields, expected] of table) {
    it(`${expected === "refused" ? "end the message" : `are deleted (${expected})`} where they are ${what}`, () => {
      const { end, edits, actions, answer } = play(settings, fields);
      if (expected === "refused") {
        assert.equal(answer, "550 5.7.1");
        assert.deepEqual(end.edits, []);
        assert.equal(actions.filter((action) => !action.startsWith("skipped: ")).length, 1);
      } else {
        assert.equal(answer, "continue");
        assert.equal(deleted(edits).length, expected);
      }
    });
  }
});

describe("fields of the DKIM verifier", () => {
  const verifier = { dkimVerifier: ["dkim.rig.test"] };
  const table: readonly (readonly [
    what: string,
    settings: Partial<PolicySettings>,
    value: string,
    stays: boolean,
  ])[] = [
    ["with the job id of this message", verifier, "dkim.rig.test/Q1; dkim=pass header.d=a.test", true],
    ["with it in quotes", verifier, '"DKIM.rig.test/Q1"; dkim=fail', true],
    ["with another job id", verifier, "dkim.rig.test/Q2; dkim=pass", false],
    ["with its job id in another case", verifier, "dkim.rig.test/q1; dkim=pass", false],
    ["without a job id", verifier, "dkim.rig.test; dkim=pass", false],
    ["with an empty job id", verifier, "dkim.rig.test/; dkim=pass", false],
    ["with a job id beside the id", verifier, "dkim.rig.test /Q1; dkim=pass", false],
    ["with two ids for two readers", verifier, "dkim.rig.test/Q1 .x; dkim=pass", false],
    ["spelled for OpenDMARC", verifier, 'dkim . rig.test; d"k"im=pass', false],
    ["without a dkim result", verifier, "dkim.rig.test; dkim-adsp=pass; iprev=pass", true],
    ["of another", verifier, "other.rig.test; dkim=pass", true],
    ["in our name, which is not the verifier's", verifier, "mx.rig.test; dkim=pass", true],
    ["with our own id", { dkimVerifier: ["mx.rig.test"] }, "mx.rig.test; dkim=pass", false],
    ["of the second of two", { dkimVerifier: ["a.test", "b.test"] }, "b.test; dkim=pass", false],
    ["where no verifier is named", {}, "mx.rig.test; dkim=pass", true],
    ["that writes no job id", { ...verifier, dkimVerifierJobID: false }, "dkim.rig.test; dkim=pass", true],
    [
      "with RemoveForgedHeaders off",
      { ...verifier, removeForgedHeaders: "off" },
      "dkim.rig.test; dkim=pass",
      true,
    ],
  ];
  for (const [what, settings, value, stays] of table) {
    it(`${stays ? "stay" : "go"} ${what}`, () => {
      const { edits, actions } = play(settings, [
        [AR, "other.test; spf=pass"],
        [AR, value],
      ]);
      assert.deepEqual(deleted(edits), stays ? [] : [`${AR} 2`]);
      assert.equal(
        actions.includes(
          "header removed: Authentication-Results of another message in the name of the DKIM verifier",
        ),
        !stays,
      );
    });
  }

  it("are compared with the queue id that comes at the end of the message", () => {
    const fields: Fields = [
      [AR, "dkim.rig.test/Q1; dkim=pass"],
      [AR, "dkim.rig.test/Q7; dkim=pass"],
    ];
    assert.deepEqual(deleted(play(verifier, fields, { i: "Q7" }).edits), [`${AR} 1`]);
  });

  it("go in the order of the fields with those in our name", () => {
    const fields: Fields = [
      [AR, "dkim.rig.test; dkim=pass"],
      [AR, FORGED],
      [AR, "dkim.rig.test; dkim=fail"],
    ];
    assert.deepEqual(deleted(play(verifier, fields).edits), [`${AR} 3`, `${AR} 2`, `${AR} 1`]);
  });

  it("end the message where they are more than a hundred", () => {
    assert.equal(play(verifier, many(101, AR, "dkim.rig.test; dkim=pass")).answer, "550 5.7.1");
  });
});

describe("what is held of the fields of a message", () => {
  const held = (fields: Fields, settings: Partial<PolicySettings> = {}): number => {
    const rig = new Rig({ settings, zone: PASS });
    rig.start();
    const before = rig.filter.heldOctets ?? 0;
    for (const [name, value] of fields) rig.header(name, value);
    return (rig.filter.heldOctets ?? 0) - before;
  };

  it("is a number of those that are removed, and nothing of others", () => {
    assert.ok(held(many(300_000, AR, "mx.rig.test; spf=pass")) <= 2000);
    assert.equal(held(many(10_000, AR, "a; spf=pass")), 0);
    assert.equal(held(many(10_000, "Received-SPF", "Pass")), 0);
    assert.equal(held(many(10_000, "X-SPF-Guess", "pass")), 0);
  });

  it("is the text of as many Subjects as may be tagged, and of none where none is", () => {
    const long = many(1000, "Subject", "x".repeat(1000));
    assert.ok(held(long) >= 200_000 && held(long) < 220_000);
    assert.equal(held(long, { tagSubject: false }), 0);
  });

  it("is bounded for a DKIM verifier's", () => {
    const fields = many(1000, AR, "dkim.rig.test/Q1; dkim=pass");
    assert.ok(held(fields, { dkimVerifier: ["dkim.rig.test"] }) < 20_000);
  });

  it("is nothing any more when the message is over", () => {
    const rig = new Rig({ zone: PASS });
    rig.message("<user@sender.test>", [], many(50));
    assert.equal(rig.filter.heldOctets, 0);
    rig.start();
    rig.filter.abort();
    assert.equal(rig.filter.heldOctets, 0);
  });
});
