import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Outcome, SpfResult } from "spf-check";
import {
  type Cause,
  firstLine,
  type Reply,
  recipientSyntaxReply,
  refusal,
} from "../../../src/policy/index.ts";
import { senderSyntaxReply } from "../../../src/policy/reply.ts";
import type { CheckedIdentity } from "../../../src/trace-fields/index.ts";
import { outcome, settingsWith } from "./facts.ts";

const FACTS = { helo: "helo.sender.test", ip: "192.0.2.9", receiver: "mx.rig.test" };

function causeOf(
  result: SpfResult,
  changes: Partial<Outcome> = {},
  checked: Partial<CheckedIdentity> = {},
): Cause {
  return {
    result,
    basis: "published",
    checked: {
      identity: "mailfrom",
      sender: "u@sender.test",
      outcome: outcome(result, changes),
      ...checked,
    },
  };
}

const REFUSED = ["fail", "softfail", "neutral", "temperror", "permerror", "none"] as const;

describe("refusal", () => {
  for (const [result, permanent, temporary] of [
    ["fail", "550 5.7.23", "450 4.7.23"],
    ["softfail", "550 5.7.23", "450 4.7.23"],
    ["neutral", "550 5.7.23", "450 4.7.23"],
    ["temperror", "451 4.7.24", "451 4.7.24"],
    ["permerror", "550 5.7.24", "450 4.7.24"],
    ["none", "550 5.7.1", "450 4.7.1"],
  ] as const) {
    it(`answers ${result} with ${permanent}, with SoftFail ${temporary}`, () => {
      for (const [softFail, expected] of [
        [false, permanent],
        [true, temporary],
      ] as const) {
        const reply = refusal(settingsWith({ softFail }), causeOf(result), FACTS);
        assert.equal(`${reply.code} ${reply.enhanced}`, expected);
      }
    });
  }

  for (const [result, sentence] of [
    ["fail", "SPF fail: sender.test does not permit 192.0.2.9 to send mail for u@sender.test"],
    [
      "softfail",
      "SPF softfail: sender.test probably does not permit 192.0.2.9 to send mail for u@sender.test",
    ],
    [
      "neutral",
      "SPF neutral: sender.test does not say whether it permits 192.0.2.9 to send mail for u@sender.test",
    ],
    ["none", "sender.test publishes no SPF record; this server requires one"],
    ["temperror", "SPF of sender.test cannot be checked at present: temperror of a name server"],
    ["permerror", "SPF of sender.test cannot be checked: its record is invalid (permerror of a name server)"],
  ] as const) {
    it(`says of ${result} what is true for it`, () => {
      assert.deepEqual(refusal(settingsWith({}), causeOf(result), FACTS).lines, [sentence]);
    });
  }

  it("speaks of the HELO name where that was checked", () => {
    const helo = { identity: "helo", sender: "postmaster@helo.sender.test" } as const;
    const fail = refusal(settingsWith({}), causeOf("fail", { domain: "helo.sender.test" }, helo), FACTS);
    assert.deepEqual(fail.lines, [
      "SPF fail: helo.sender.test does not permit 192.0.2.9 to use it as HELO name",
    ]);
    const none = refusal(settingsWith({}), causeOf("none", { domain: "" }, helo), FACTS);
    assert.match(none.lines[0] ?? "", /^The HELO name publishes no SPF record/);
  });

  it("does not blame the domain for local rules or guesses", () => {
    const local: Cause = { ...causeOf("pass"), result: "fail", basis: "local" };
    assert.deepEqual(refusal(settingsWith({}), local, FACTS).lines, [
      "Local policy of this server does not permit 192.0.2.9 to send mail for u@sender.test",
    ]);
    const guess: Cause = { ...causeOf("none"), result: "fail", basis: "guess" };
    const { enhanced, lines } = refusal(settingsWith({}), guess, FACTS);
    assert.equal(enhanced, "5.7.23");
    assert.deepEqual(lines, [
      "192.0.2.9 is not known as a host of sender.test, which publishes no SPF record",
    ]);
  });

  it("adds the domain's explanation as the domain's words", () => {
    const explanation = { text: "See https://sender.test/", source: "domain" } as const;
    const { lines } = refusal(settingsWith({}), causeOf("fail", { explanation }), FACTS);
    assert.equal(lines[1], "The domain sender.test explains: See https://sender.test/");
  });

  for (const [result, lines] of [
    [
      "fail",
      [
        "Local policy of this server does not permit 192.0.2.9 to send mail for u@sender.test",
        "The domain sender.test explains: See https://sender.test/",
      ],
    ],
    [
      "softfail",
      [
        "Local policy of this server does not permit 192.0.2.9 to send mail for u@sender.test",
        "The domain sender.test explains: See https://sender.test/",
      ],
    ],
    [
      "temperror",
      [
        "Local policy of this server cannot tell at present whether to permit 192.0.2.9 to send mail for u@sender.test",
      ],
    ],
    [
      "permerror",
      [
        "Local policy of this server is in error and cannot tell whether to permit 192.0.2.9 to send mail for u@sender.test",
      ],
    ],
  ] as const) {
    it(`tells who says what where local rules lead to ${result} and the domain explains a fail`, () => {
      const explanation = { text: "See https://sender.test/", source: "domain" } as const;
      const local: Cause = { ...causeOf("fail", { explanation }), result, basis: "local" };
      assert.deepEqual(refusal(settingsWith({}), local, FACTS).lines, lines);
    });
  }

  it("adds SPFExplanation as it is", () => {
    const explanation = { text: "Ask postmaster", source: "default" } as const;
    const { lines } = refusal(settingsWith({}), causeOf("fail", { explanation }), FACTS);
    assert.deepEqual(lines.slice(1), ["Ask postmaster"]);
  });

  for (const [template, line] of [
    [
      "No: {sender} {domain} {helo} {ip} {host} {result}",
      "No: u@sender.test sender.test helo.sender.test 192.0.2.9 mx.rig.test fail",
    ],
    ["sender:%s client-ip:%s site:%s", "sender:u@sender.test client-ip:192.0.2.9 site:mx.rig.test"],
    ["%3$s says %1$s is not %2$s", "mx.rig.test says u@sender.test is not 192.0.2.9"],
    ["%2$s %s %s", "192.0.2.9 u@sender.test 192.0.2.9"],
    ["100% {unknown} %d %s %%s", "100% {unknown} %d u@sender.test %s"],
    ["%s %s %s %s", "u@sender.test 192.0.2.9 mx.rig.test %s"],
    ["nicht erw\u00fcnscht", "nicht erw\\x{FC}nscht"],
  ] as const) {
    it(`fills in RejectReason ${JSON.stringify(template)}`, () => {
      const actions = settingsWith({ rejectReason: template });
      assert.deepEqual(refusal(actions, causeOf("fail"), FACTS).lines, [line]);
    });
  }

  it("takes an empty RejectReason for none", () => {
    const { lines } = refusal(settingsWith({ rejectReason: " " }), causeOf("fail"), FACTS);
    assert.match(lines[0] ?? "", /^SPF fail: /);
  });

  it("does not look for placeholders in what it has filled in", () => {
    const checked = { sender: "{ip}%s%1$s{explanation}@sender.test" };
    const actions = settingsWith({ rejectReason: "no {sender}" });
    const { lines } = refusal(actions, causeOf("fail", {}, checked), FACTS);
    assert.deepEqual(lines, ["no {ip}%s%1$s{explanation}@sender.test"]);
  });

  it("tells the explanation once where RejectReason has it", () => {
    const explanation = { text: "Ask us", source: "domain" } as const;
    const actions = settingsWith({ rejectReason: "No. {explanation}" });
    assert.deepEqual(refusal(actions, causeOf("fail", { explanation }), FACTS).lines, ["No. Ask us"]);
    assert.deepEqual(refusal(actions, causeOf("fail"), FACTS).lines, ["No."]);
  });

  it("keeps the end of a domain that is too long to be shown", () => {
    const domain = `victim.test.${"a".repeat(400)}.attacker.test`;
    const actions = settingsWith({ rejectReason: "{domain}" });
    const [text = ""] = refusal(actions, causeOf("fail", { domain }), FACTS).lines;
    assert.match(text, /^\.\.\.a+\.attacker\.test$/);
  });

  it("is printable, short enough and of one class whatever the values are", () => {
    const octets = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 700,
    });
    const text = fc.string({ unit: "binary", maxLength: 300 });
    fc.assert(
      fc.property(
        fc.record({
          sender: octets,
          domain: octets,
          helo: octets,
          receiver: octets,
          explanation: octets,
          problem: octets,
          rejectReason: fc.option(
            fc.oneof(text, fc.constantFrom("{sender}{helo}", "%s %s %s", "{explanation} {domain}")),
            { nil: undefined },
          ),
          softFail: fc.boolean(),
          result: fc.constantFrom(...REFUSED),
          basis: fc.constantFrom("published", "local", "guess"),
          source: fc.constantFrom("domain", "default"),
        }),
        (hostile) => {
          const { sender, domain, explanation, problem, source, result } = hostile;
          const changes = { domain, problem, explanation: { text: explanation, source } };
          const cause: Cause = { ...causeOf(result, changes, { sender }), basis: hostile.basis };
          isSafe(
            refusal(settingsWith(hostile), cause, {
              ...FACTS,
              helo: hostile.helo,
              receiver: hostile.receiver,
            }),
          );
        },
      ),
      { seed: 7372, numRuns: 500 },
    );
  });
});

function isSafe({ code, enhanced, lines }: Reply): void {
  assert.equal(enhanced[0], code[0]);
  assert.ok(lines.length >= 1 && lines.length <= 32, `${lines.length} lines`);
  for (const line of lines) {
    assert.match(line, /^[\x20-\x7e]+$/);
    assert.ok(`${code} ${enhanced} ${line}\r\n`.length < 512, `${line.length} octets`);
  }
}

describe("senderSyntaxReply", () => {
  it("is 550 5.1.7, and 450 4.1.7 with SoftFail", () => {
    const text = "Sender address does not conform to RFC 5321 syntax";
    assert.equal(firstLine(senderSyntaxReply({ softFail: false })), `550 5.1.7 ${text}`);
    assert.equal(firstLine(senderSyntaxReply({ softFail: true })), `450 4.1.7 ${text}`);
  });
});

describe("recipientSyntaxReply", () => {
  it("is 550 5.1.3, and 450 4.1.3 with SoftFail", () => {
    const text = "Recipient address does not conform to RFC 5321 syntax";
    assert.equal(firstLine(recipientSyntaxReply({ softFail: false })), `550 5.1.3 ${text}`);
    assert.equal(firstLine(recipientSyntaxReply({ softFail: true })), `450 4.1.3 ${text}`);
  });
});
