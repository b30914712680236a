import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { SpfResult } from "spf-check";
import { receivedSpf } from "../../../src/trace-fields/index.ts";
import { readReceivedSpf } from "./field-grammar.ts";
import { checkedOf, FUZZ, factsOf, hostileChecked, hostileFacts } from "./samples.ts";

describe("receivedSpf", () => {
  it("has one @ in an address, whatever a quoted local part spells", () => {
    const value = receivedSpf(factsOf(), checkedOf("pass", { sender: '"user@victim.jp"@attacker.jp' }));
    assert.match(value, /envelope-from="\\"user\\\\x\{40\}victim\.jp\\"@attacker\.jp"/);
    assert.doesNotMatch(value, /@victim/);
  });

  it("writes the field of the contract's example", () => {
    const checked = checkedOf("pass", { outcome: { mechanism: "ip4:192.0.2.0/24" } });
    assert.equal(
      `Received-SPF: ${receivedSpf(factsOf(), checked)}`,
      [
        "Received-SPF: Pass (ns.example.jp: domain of mail@spf.example.jp designates",
        " 192.0.2.1 as permitted sender) receiver=ns.example.jp; client-ip=192.0.2.1;",
        ' identity=mailfrom; envelope-from="mail@spf.example.jp"; helo=spf.example.jp;',
        ' mechanism="ip4:192.0.2.0/24"',
      ].join("\n"),
    );
  });

  const comments: [SpfResult, string, string][] = [
    ["pass", "Pass", "ns.example.jp: domain of a@b.jp designates 192.0.2.1 as permitted sender"],
    ["fail", "Fail", "ns.example.jp: domain of a@b.jp does not designate 192.0.2.1 as permitted sender"],
    [
      "softfail",
      "SoftFail",
      "ns.example.jp: transitioning domain of a@b.jp does not designate 192.0.2.1 as permitted sender",
    ],
    ["neutral", "Neutral", "ns.example.jp: 192.0.2.1 is neither permitted nor denied by domain of a@b.jp"],
    ["none", "None", "ns.example.jp: domain of a@b.jp does not designate permitted sender hosts"],
    ["temperror", "TempError", "ns.example.jp: error in processing during lookup of a@b.jp: DNS time-out"],
    ["permerror", "PermError", "ns.example.jp: error in processing during lookup of a@b.jp: DNS time-out"],
  ];
  for (const [result, title, comment] of comments) {
    it(`says ${title} with its own comment when the result is ${result}`, () => {
      const problem = result.endsWith("error") ? "DNS time-out" : undefined;
      const field = readReceivedSpf(
        receivedSpf(factsOf(), checkedOf(result, { sender: "a@b.jp", outcome: { problem } })),
      );
      assert.equal(field.result, title);
      assert.equal(field.comment, comment);
      assert.equal(field.pairs.get("problem"), problem);
      assert.equal(field.pairs.has("mechanism"), false);
    });
  }

  it("names the HELO identity and no envelope-from when the sender is null", () => {
    const checked = checkedOf("none", { identity: "helo", sender: "postmaster@spf.example.jp" });
    const { comment, pairs } = readReceivedSpf(receivedSpf(factsOf(), checked));
    assert.equal(pairs.get("identity"), "helo");
    assert.equal(pairs.has("envelope-from"), false);
    assert.match(comment, /domain of postmaster@spf\.example\.jp/);
  });

  it("keeps the published result and adds local policy, guess and record source to the comment", () => {
    const rule = { result: "pass" as const, mechanism: "ip4:192.0.2.1" };
    const field = readReceivedSpf(
      receivedSpf(
        factsOf(),
        checkedOf("fail", { outcome: { mechanism: "-all", recordSource: "override", local: rule } }),
      ),
    );
    assert.equal(field.result, "Fail");
    assert.match(field.comment, /permitted sender; override record; local policy: pass$/);
    assert.equal(field.pairs.get("mechanism"), "-all");
    const guessed = readReceivedSpf(receivedSpf(factsOf(), checkedOf("none", { outcome: { guess: rule } })));
    assert.equal(guessed.result, "None");
    assert.match(guessed.comment, /; best guess: pass$/);
    const fallback = receivedSpf(factsOf(), checkedOf("pass", { outcome: { recordSource: "fallback" } }));
    assert.match(readReceivedSpf(fallback).comment, /; fallback record$/);
  });

  it("quotes what is no dot-atom", () => {
    const value = receivedSpf(
      factsOf({ ip: "2001:db8::1", helo: 'a"b; helo=x' }),
      checkedOf("pass", { outcome: { mechanism: "ip6:2001:db8::/32" } }),
    ).replaceAll("\n", "");
    assert.ok(value.includes('client-ip="2001:db8::1"'), value);
    assert.ok(value.includes('helo="a\\"b; helo=x"'), value);
    assert.ok(value.includes('mechanism="ip6:2001:db8::/32"'), value);
    assert.ok(receivedSpf(factsOf({ helo: "" }), checkedOf("pass")).includes('helo=""'));
  });

  it("quotes every mechanism, and leaves default bare", () => {
    for (const mechanism of ["-all", "mx", "?include:a.example"]) {
      const value = receivedSpf(factsOf(), checkedOf("pass", { outcome: { mechanism } }));
      assert.ok(value.endsWith(` mechanism="${mechanism}"`), value);
    }
    const value = receivedSpf(factsOf(), checkedOf("neutral", { outcome: { mechanism: "default" } }));
    assert.ok(value.endsWith(" mechanism=default"), value);
  });

  it("keeps lines under 78 columns where they can be folded", () => {
    const checked = checkedOf("permerror", { outcome: { problem: "one two three ".repeat(20).trim() } });
    for (const line of `Received-SPF: ${receivedSpf(factsOf(), checked)}`.split("\n")) {
      assert.ok(line.length < 78 || line.startsWith(" problem="), line);
    }
  });

  it("writes A-labels, and U-labels only when the message is SMTPUTF8", () => {
    const sender = Buffer.from("jos\u00e9@b\u00fccher.example", "utf8").toString("latin1");
    const ascii = readReceivedSpf(receivedSpf(factsOf(), checkedOf("pass", { sender })));
    assert.equal(ascii.pairs.get("envelope-from"), "jos\\x{E9}@xn--bcher-kva.example");
    const utf8 = readReceivedSpf(receivedSpf(factsOf({ smtputf8: true }), checkedOf("pass", { sender })));
    assert.equal(utf8.pairs.get("envelope-from"), sender);
  });

  it("keeps the right-hand end of a name that is too long", () => {
    const helo = `victim.example.${"a".repeat(60)}.`.repeat(5) + "attacker.example";
    const { pairs } = readReceivedSpf(receivedSpf(factsOf({ helo }), checkedOf("pass")));
    assert.match(pairs.get("helo") ?? "", /^\.\.\..*attacker\.example$/);
  });

  it("always parses, whatever the values hold", () => {
    fc.assert(
      fc.property(hostileFacts, hostileChecked, (facts, checked) => {
        const value = receivedSpf(facts, checked);
        const field = readReceivedSpf(value);
        assert.equal(field.pairs.get("identity"), checked.identity);
        if (!facts.smtputf8) assert.match(value, /^[\n\x20-\x7e]*$/);
      }),
      FUZZ,
    );
  });
});
