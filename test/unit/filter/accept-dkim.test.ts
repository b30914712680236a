import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { line, net, pattern } from "../policy/facts.ts";
import { endOf, Rig, type RigOptions, shownActions, shownEdits, spoken } from "./rig.ts";

const ACCEPT = { acceptDKIM: true } as const;
const ZONE = { "sender.test": "fail", "soft.test": "softfail" } as const;
const RECEIVED = [
  "Received",
  "from a (b [192.0.2.9]) by relay.test (Postfix) with ESMTP id X; date",
] as const;

const results = (text: string): [string, string] => ["Authentication-Results", text];
const signedBy = (domain: string, jobId = "Q1"): [string, string] =>
  results(`mx.rig.test/${jobId}; dkim=pass header.d=${domain}`);

/** A message up to its end: what was answered, done and told. */
function passage(
  settings: RigOptions["settings"],
  path: string,
  headers: readonly (readonly [string, string])[],
  recipients: readonly string[] = ["<bob@rig.test>"],
) {
  const rig = new Rig({ settings: { ...ACCEPT, ...settings }, zone: ZONE });
  const answers = [spoken(rig.start(path)), ...recipients.map((recipient) => spoken(rig.rcpt(recipient)))];
  for (const [name, value] of [...headers, RECEIVED, ["Subject", "hello"] as const]) rig.header(name, value);
  const end = endOf(rig.eom());
  return { rig, answers, end: spoken(end.response), edits: shownEdits(end), actions: shownActions(rig) };
}

const FAIL = "<u@sender.test>";

describe("AcceptDKIM", () => {
  it("spares a sender for whose domain the verifier vouches, and records what was found all the same", () => {
    const { rig, answers, end, edits, actions } = passage({}, FAIL, [signedBy("sender.test")]);
    assert.deepEqual([...answers, end], ["continue", "continue", "continue"]);
    assert.deepEqual(actions, ["spared: dkim=pass header.d=sender.test"]);
    assert.equal(rig.actions[0]?.rule, "AcceptDKIM");
    assert.match(edits[0] ?? "", /^insert 0 Received-SPF: Fail \(.*; dkim pass: sender\.test\) /);
    assert.match(edits[1] ?? "", /spf=fail smtp\.mailfrom=u@sender\.test$/);
    assert.equal(edits.length, 2, "neither tagged nor quarantined");
  });

  it("believes nothing where the sender's or the client's own text could pass for a result", () => {
    const signed = [signedBy("sender.test")];
    assert.equal(passage({}, '<"x;dkim=pass"@sender.test>', signed).end, "550 5.7.23");
    const rig = new Rig({ settings: ACCEPT, zone: ZONE });
    rig.connect();
    rig.helo("x;dkim=pass");
    rig.mail(FAIL);
    rig.rcpt("<bob@rig.test>");
    for (const [name, value] of signed) rig.header(name, value);
    assert.equal(spoken(endOf(rig.eom()).response), "550 5.7.23");
  });

  it("refuses at the end with the reply of MAIL where nothing vouches, and says why", () => {
    for (const [headers, why] of [
      [[], "none"],
      [[signedBy("sender.test"), signedBy("sender.test")], "ambiguous"],
      [[results('mx.rig.test/Q1; dkim=pass header.d="')], "unparsable"],
      [[signedBy("sender.test", "Q0")], "jobid"],
      [[RECEIVED, signedBy("sender.test")], "position"],
      [[results("mx.rig.test/Q1; dkim=fail header.d=sender.test")], "fail"],
      [[signedBy("other.test")], "unaligned"],
      [
        [signedBy("sender.test"), ["DKIM-Signature", "d=other.test; i=x=3Bdkim=3Dpass=20y@other.test"]],
        "ambiguous",
      ],
      [
        [
          signedBy("sender.test"),
          ["dkim-signature", "d=other.test; i=x=3Bdkim=3Dpass=20y@other.test"],
          ["DKIM-Signature", "d=other.test; i=@other.test"],
        ],
        "ambiguous",
      ],
    ] as const) {
      const { rig, answers, end, actions } = passage({}, FAIL, headers);
      assert.deepEqual([...answers, end], ["continue", "continue", "550 5.7.23"], why);
      assert.deepEqual(actions, ["refused: SPF fail [550 5.7.23]"]);
      assert.equal(rig.actions[0]?.dkim, why);
    }
  });

  it("defers what would be refused where the verifier could not tell, and tags what would be tagged", () => {
    const temperror = (domain: string) => [results(`mx.rig.test/Q1; dkim=temperror header.d=${domain}`)];
    const refused = passage({}, FAIL, temperror("sender.test"));
    assert.equal(refused.end, "451 4.7.0");
    assert.match(refused.actions[0] ?? "", /^refused: SPF fail, dkim=temperror header\.d=sender\.test/);
    const tagged = passage({}, "<u@soft.test>", temperror("soft.test"));
    assert.equal(tagged.end, "continue");
    assert.deepEqual(tagged.actions, ["tagged: SPF softfail"]);
  });

  it("neither tags nor quarantines a softfail that is spared", () => {
    const { edits, actions } = passage({ quarantine: true }, "<u@soft.test>", [signedBy("soft.test")]);
    assert.deepEqual(actions, ["spared: dkim=pass header.d=soft.test"]);
    assert.equal(edits.length, 2);
  });

  it("lets nothing wait that no signature can spare", () => {
    assert.equal(passage({ acceptDKIM: false }, FAIL, []).answers[0], "550 5.7.23");
    const settings = { checkHelo: true, ...ACCEPT };
    const helo = new Rig({ settings, zone: { "helo.sender.test": "fail" } });
    assert.equal(spoken(helo.start(FAIL)), "550 5.7.23");
    const bounce = new Rig({ settings: ACCEPT, zone: { "helo.sender.test": "fail" } });
    assert.equal(spoken(bounce.start("<>")), "550 5.7.23");
    const none = new Rig({ settings: { ...ACCEPT, refuseSPFNone: true }, zone: {} });
    assert.equal(spoken(none.start("<u@none.test>")), "550 5.7.1");
    assert.equal(spoken(new Rig({ settings: ACCEPT }).start("<u>")), "550 5.1.7");
  });

  it("refuses only if no recipient is exempt, and at RCPT whoever does not accept it", () => {
    const vip = { whitelistTo: [pattern("vip@")] };
    const both = ["<bob@rig.test>", "<vip@rig.test>"];
    const exempt = passage(vip, FAIL, [], both);
    assert.deepEqual([...exempt.answers, exempt.end], ["continue", "continue", "continue", "continue"]);
    assert.deepEqual(exempt.actions, ["skipped: WhitelistTo vip@ <vip@rig.test>", "tagged: SPF fail"]);
    const strict = {
      policyFor: [line({ to: pattern("strict@"), actions: { acceptDKIM: false } })],
    };
    const some = passage(strict, FAIL, [signedBy("sender.test")], ["<strict@rig.test>", "<bob@rig.test>"]);
    assert.deepEqual([...some.answers, some.end], ["continue", "550 5.7.23", "continue", "continue"]);
    assert.deepEqual(some.actions.slice(1), ["spared: dkim=pass header.d=sender.test"]);
  });

  it("only tells of it with ReportOnly", () => {
    const spared = passage({ reportOnly: true }, FAIL, [signedBy("sender.test")]);
    assert.deepEqual(spared.actions, ["spared: dkim=pass header.d=sender.test (told only)"]);
    const refused = passage({ reportOnly: true }, FAIL, []);
    assert.equal(refused.end, "continue");
    assert.deepEqual(refused.actions, ["refused: SPF fail <bob@rig.test> [550 5.7.23] (told only)"]);
  });

  it("holds through a TrustedRelay", () => {
    const settings = { ...ACCEPT, trustedRelay: [net("192.0.2.9")] };
    for (const [domain, end] of [
      ["sender.test", "continue"],
      ["other.test", "550 5.7.23"],
    ] as const) {
      const rig = new Rig({ settings, zone: ZONE });
      rig.start(FAIL);
      rig.header(...signedBy(domain));
      rig.header("Received", "from a (b [203.0.113.5])\n\tby relay.test (Postfix) with ESMTP id X; date");
      assert.equal(spoken(endOf(rig.eom()).response), end);
    }
  });

  it("takes the verifier's own name, and none of ours then", () => {
    const settings = { dkimVerifier: ["dkim.rig.test"] };
    const own = results("dkim.rig.test/Q1; dkim=pass header.d=sender.test");
    assert.equal(passage(settings, FAIL, [own]).end, "continue");
    assert.equal(passage(settings, FAIL, [signedBy("sender.test")]).end, "550 5.7.23");
  });

  it("keeps nothing for the next message, whatever ends this one", () => {
    for (const ended of ["eom", "reset", "mail", "connection"] as const) {
      const rig = new Rig({ settings: ACCEPT, zone: ZONE });
      rig.start(FAIL);
      rig.header(...signedBy("sender.test"));
      if (ended === "eom") rig.eom();
      if (ended === "reset") rig.filter.abort();
      if (ended === "connection") {
        rig.filter.newConnection();
        rig.connect();
        rig.helo();
      }
      rig.mail(FAIL);
      assert.equal(spoken(endOf(rig.eom()).response), "550 5.7.23", ended);
    }
  });
});
