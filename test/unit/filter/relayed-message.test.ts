import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type HandlerAnswer, LATER } from "milter-protocol";
import { line, net, pattern } from "../policy/facts.ts";
import { endOf, Rig, type RigOptions, shownActions, shownEdits, spoken } from "./rig.ts";

const RELAY = { trustedRelay: [net("192.0.2.9"), net("192.0.2.8")] };
const ZONE = { "sender.test": "fail", "soft.test": "softfail", "pass.test": "pass" } as const;

const received = (ip: string, name = "mx.origin.test", protocol = "ESMTP"): [string, string] => [
  "Received",
  `from helo.origin.test (${name} [${ip}])\n\tby relay.test (Postfix) with ${protocol} id X; date`,
];

function passage(
  options: RigOptions,
  path: string,
  recipients: readonly string[],
  headers: readonly [string, string][],
) {
  const rig = new Rig({ zone: ZONE, ...options, settings: { ...RELAY, ...options.settings } });
  const { mail, rcpts, end } = rig.message(path, recipients, [...headers, ["Subject", "hello"]]);
  const answers: HandlerAnswer[] = [mail, ...rcpts, end.response];
  return { rig, end, spoken: answers.map(spoken), edits: shownEdits(end) };
}

describe("a message through a trusted relay", () => {
  it("is evaluated at its end with the client that the relay names", () => {
    const { rig, edits } = passage(
      {},
      "<u@pass.test>",
      [],
      [received("203.0.113.5"), received("198.51.100.1")],
    );
    const [request] = rig.requests;
    assert.equal(request?.ip.text, "203.0.113.5");
    assert.equal(request.helo, "helo.origin.test");
    assert.equal(request.sender, "u@pass.test");
    assert.match(edits[0] ?? "", /client-ip=203\.0\.113\.5; .*helo=helo\.origin\.test/);
    const [result] = rig.results;
    assert.deepEqual(
      [result?.ip, result?.ptr, result?.helo],
      ["203.0.113.5", "mx.origin.test", "helo.origin.test"],
    );
  });

  it("is refused at its end", () => {
    const { spoken, edits } = passage({}, "<u@sender.test>", ["<bob@rig.test>"], [received("203.0.113.5")]);
    assert.deepEqual(spoken, ["continue", "continue", "550 5.7.23"]);
    assert.deepEqual(edits, []);
  });

  it("waits for the verdict at its end", () => {
    const rig = new Rig({ settings: RELAY, zone: ZONE, late: true });
    rig.start("<u@sender.test>");
    assert.deepEqual(rig.requests, []);
    rig.header(...received("203.0.113.5"));
    assert.equal(rig.eom({ i: "Q2" }), LATER);
    rig.arrive();
    const [answer] = rig.resumed;
    assert.ok(answer !== undefined && "edits" in answer);
    assert.equal(spoken(answer.response), "550 5.7.23");
    assert.equal(rig.actions[0]?.queueId, "Q2");
  });

  it("is not refused where a recipient is exempt, but quarantined and tagged as usual", () => {
    const settings = { whitelistTo: [pattern("vip@")], quarantine: true };
    const { spoken, edits, rig } = passage(
      { settings },
      "<u@sender.test>",
      ["<vip@rig.test>", "<bob@rig.test>"],
      [received("203.0.113.5")],
    );
    assert.deepEqual(spoken, ["continue", "continue", "continue", "continue"]);
    assert.deepEqual(
      edits.filter((edit) => !edit.startsWith("insert")),
      ["delrcpt <bob@rig.test>", "addrcpt <postmaster>"],
    );
    assert.deepEqual(shownActions(rig), [
      "skipped: WhitelistTo vip@ <vip@rig.test>",
      "quarantined: SPF fail <bob@rig.test>",
    ]);
    const tagged = passage(
      { settings: { whitelistTo: [pattern("vip@")] } },
      "<u@sender.test>",
      ["<bob@rig.test>", "<vip@rig.test>"],
      [received("203.0.113.5")],
    );
    assert.equal(tagged.edits[0], "change Subject 1: [SPF:fail] hello");
  });

  it("is read beyond a filter on the relay itself", () => {
    const headers: [string, string][] = [
      ["Received", "from localhost (localhost [127.0.0.1])\n\tby relay.test (Postfix) with ESMTP id Y; date"],
      [
        "Received",
        "from relay.test ([127.0.0.1])\n\tby localhost (relay.test [127.0.0.1]) (amavisd-new, port 10024)\n\twith ESMTP id abc; date",
      ],
      received("203.0.113.5"),
    ];
    const settings = { whitelistIP: [net("127.0.0.0/8")] };
    const { rig, spoken } = passage({ settings }, "<u@sender.test>", [], headers);
    assert.equal(rig.requests[0]?.ip.text, "203.0.113.5");
    assert.equal(spoken.at(-1), "550 5.7.23");
  });

  it("does not believe a name of a relay that verifies none", () => {
    const header: [string, string] = [
      "Received",
      "from a (friend.test [203.0.113.5])\r\n\tby relay.test (Haraka/3.0.5) with ESMTP id 7A.1\r\n\tenvelope-from <u@sender.test>;\r\n\tdate",
    ];
    const settings = { whitelistPTR: ["friend.test"] };
    assert.equal(passage({ settings }, "<u@sender.test>", [], [header]).spoken.at(-1), "550 5.7.23");
  });

  it("is refused where no recipient is exempt", () => {
    const settings = { whitelistTo: [pattern("vip@")] };
    const { spoken } = passage(
      { settings },
      "<u@sender.test>",
      ["<a@rig.test>", "<b@rig.test>"],
      [received("203.0.113.5")],
    );
    assert.equal(spoken.at(-1), "550 5.7.23");
  });

  it("is followed through a chain of trusted relays", () => {
    const headers = [received("192.0.2.8"), received("203.0.113.5"), received("198.51.100.1")];
    assert.equal(passage({}, "<u@pass.test>", [], headers).rig.requests[0]?.ip.text, "203.0.113.5");
  });

  for (const [what, headers] of [
    ["there is no Received field", []],
    [
      "the topmost Received names no client",
      [["Received", "by relay.test (Postfix, from userid 0) id X"], received("203.0.113.5")],
    ],
    ["all that is named are relays", [received("192.0.2.8")]],
  ] as const) {
    it(`is a temperror where ${what}, and loses forged fields`, () => {
      const forged = ["Authentication-Results", "mx.rig.test; spf=pass"] as const;
      const { rig, edits, spoken } = passage({}, "<u@sender.test>", [], [...headers, [...forged]] as [
        string,
        string,
      ][]);
      assert.deepEqual(rig.requests, []);
      assert.equal(edits[0], "delete Authentication-Results 1");
      assert.match(edits[1] ?? "", /^insert 0 Received-SPF: TempError \(.*no Received field of the relay/);
      assert.match(edits[2] ?? "", /spf=temperror smtp\.mailfrom=u@sender\.test/);
      assert.equal(spoken.at(-1), "continue");
      assert.deepEqual(
        rig.results.map(({ result, ip }) => `${result} ${ip}`),
        ["temperror 192.0.2.9"],
      );
      const strict = passage(
        {
          settings: {
            acceptTempError: false,
            trustedForwarder: ["pass.test"],
            whitelistIP: [net("192.0.2.0/24")],
            policyFor: [line({ ip: net("192.0.2.9"), actions: { acceptTempError: true } })],
          },
        },
        "<u@sender.test>",
        ["<bob@rig.test>"],
        [...headers] as [string, string][],
      );
      assert.equal(strict.spoken.at(-1), "451 4.7.24", "nothing that is true of the relay is its client's");
      assert.deepEqual(strict.rig.requests, []);
    });
  }

  for (const [what, settings, header, reason] of [
    [
      "its address",
      { whitelistIP: [net("203.0.113.0/24")] },
      received("203.0.113.5"),
      "WhitelistIP 203.0.113.0/24",
    ],
    [
      "its verified name",
      { whitelistPTR: [".origin.test"] },
      received("203.0.113.5"),
      "WhitelistPTR .origin.test",
    ],
    ["AUTH", {}, received("203.0.113.5", "mx.origin.test", "ESMTPSA"), "SkipAuth"],
    [
      "its sender",
      { whitelistFrom: [pattern("@sender.test")] },
      received("203.0.113.5"),
      "WhitelistFrom @sender.test",
    ],
  ] as const) {
    it(`passes for ${what}`, () => {
      const { rig, spoken, edits } = passage({ settings }, "<u@sender.test>", [], [header]);
      assert.deepEqual(rig.requests, []);
      assert.deepEqual(edits, []);
      assert.equal(spoken.at(-1), "continue");
      assert.deepEqual(shownActions(rig), [`skipped: ${reason}`]);
    });
  }

  it("does not pass for a name that the relay has not verified", () => {
    const settings = { whitelistPTR: ["origin.test", "unknown"] };
    const header: [string, string] = [
      "Received",
      "from mx.origin.test (mx.origin.test [203.0.113.5] (may be forged)) by relay.test (8.17.1/8.17.1) with ESMTP id X",
    ];
    assert.equal(passage({ settings }, "<u@sender.test>", [], [header]).spoken.at(-1), "550 5.7.23");
  });

  it("does not pass for what is true of the relay itself", () => {
    const settings = { whitelistIP: [net("192.0.2.0/24")], whitelistPTR: ["mx.sender.test"] };
    const rig = new Rig({ settings: { ...RELAY, ...settings }, zone: ZONE });
    rig.connect();
    rig.helo();
    rig.mail("<u@sender.test>", { "{auth_authen}": "relay", "{verify}": "OK" });
    rig.header(...received("203.0.113.5"));
    assert.equal(spoken(endOf(rig.eom()).response), "550 5.7.23");
  });

  it("follows PolicyFor by the client that the relay names", () => {
    const settings = { policyFor: [line({ ip: net("203.0.113.5"), actions: { refuseFail: "off" } })] };
    assert.equal(
      passage({ settings }, "<u@sender.test>", [], [received("203.0.113.5")]).spoken.at(-1),
      "continue",
    );
    assert.equal(
      passage({ settings }, "<u@sender.test>", [], [received("203.0.113.6")]).spoken.at(-1),
      "550 5.7.23",
    );
  });

  it("is refused for a sender that is no address, unless a recipient is exempt", () => {
    const settings = { whitelistTo: [pattern("vip@")] };
    const headers = [received("203.0.113.5")];
    assert.equal(passage({ settings }, "<u>", ["<bob@rig.test>"], headers).spoken.at(-1), "550 5.1.7");
    assert.equal(
      passage({ settings }, "<u>", ["<bob@rig.test>", "<vip@rig.test>"], headers).spoken.at(-1),
      "continue",
    );
    assert.equal(passage({ settings: { reportOnly: true } }, "<u>", [], headers).spoken.at(-1), "continue");
  });

  it("takes the HELO of the Received field for the null sender", () => {
    const { rig } = passage({}, "<>", [], [received("203.0.113.5")]);
    assert.equal(rig.requests[0]?.sender, "postmaster@helo.origin.test");
  });
});
