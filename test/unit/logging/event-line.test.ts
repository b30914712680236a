import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { FilterEvent } from "../../../src/filter/index.ts";
import { eventLines, fieldValue, levelOf, type TextFormat } from "../../../src/logging/event-line.ts";
import { actionEvent, FUZZ, hostileEvent, resultEvent } from "./samples.ts";

describe("eventLines", () => {
  const table: [string, FilterEvent, TextFormat, string][] = [
    [
      "a verdict is classic",
      resultEvent(),
      "classic",
      "SPF pass: 192.0.2.1, spf.example.jp, spf.example.jp, mikio@example.jp",
    ],
    [
      "the host has no name",
      resultEvent({ result: "softfail", ip: "192.0.2.9", ptr: "[192.0.2.9]", from: "mail@uso.example.jp" }),
      "classic",
      "SPF softfail: 192.0.2.9, [192.0.2.9], spf.example.jp, mail@uso.example.jp",
    ],
    [
      "the verdict is cached",
      resultEvent({ cached: true }),
      "classic",
      "SPF pass (cached): 192.0.2.1, spf.example.jp, spf.example.jp, mikio@example.jp",
    ],
    [
      "the sender is null",
      resultEvent({ from: "" }),
      "classic",
      "SPF pass: 192.0.2.1, spf.example.jp, spf.example.jp, <>",
    ],
    [
      "the format is 2.5",
      resultEvent(),
      "2.5",
      "SPF pass: ip=192.0.2.1, fqdn=spf.example.jp, helo=spf.example.jp, from=<mikio@example.jp>",
    ],
    [
      "the format is 2.5 and the sender null",
      resultEvent({ from: "" }),
      "2.5",
      "SPF pass: ip=192.0.2.1, fqdn=spf.example.jp, helo=spf.example.jp, from=<>",
    ],
    [
      "the format is detailed",
      resultEvent(),
      "detailed",
      "SPF pass: ip=192.0.2.1, ptr=spf.example.jp, helo=spf.example.jp, from=mikio@example.jp, " +
        "identity=mailfrom, mechanism=ip4:192.0.2.0/24, lookups=1, voids=0, ms=12",
    ],
    [
      "local rules, a guess and a problem are to be told",
      resultEvent({
        result: "permerror",
        mechanism: undefined,
        local: "pass",
        guess: "fail",
        problem: 'a "b"',
      }),
      "detailed",
      "SPF permerror: ip=192.0.2.1, ptr=spf.example.jp, helo=spf.example.jp, from=mikio@example.jp, " +
        'identity=mailfrom, mechanism=-, lookups=1, voids=0, ms=12, local=pass, guess=fail, problem="a \\"b\\""',
    ],
    [
      "a message was refused",
      actionEvent(),
      "classic",
      "SPF refused: 192.0.2.9, [192.0.2.9], spf.example.jp, mail@uso.example.jp, " +
        'reason="SPF fail", queue=4AM3IhAB012345, reply="550 5.7.23 no"',
    ],
    [
      "a detailed line names the rule, where it stands, and why DKIM spared nothing",
      actionEvent({ rule: "PolicyFor", location: "/etc/mail/my smfs/smf-spf.conf:12", dkim: "jobid" }),
      "detailed",
      "SPF refused: ip=192.0.2.9, ptr=[192.0.2.9], helo=spf.example.jp, from=mail@uso.example.jp, " +
        'reason="SPF fail", rule=PolicyFor, line=/etc/mail/my\\x20smfs/smf-spf.conf:12, dkim=jobid, ' +
        'queue=4AM3IhAB012345, reply="550 5.7.23 no"',
    ],
    [
      "DKIM has spared a sender",
      actionEvent({
        action: "spared",
        reason: "dkim=pass header.d=example.jp",
        rule: "AcceptDKIM",
        location: "/etc/mail/smfs/smf-spf.conf:3",
        reply: undefined,
      }),
      "classic",
      "SPF spared: 192.0.2.9, [192.0.2.9], spf.example.jp, mail@uso.example.jp, " +
        'reason="dkim=pass header.d=example.jp", queue=4AM3IhAB012345',
    ],
    [
      "a message would have been quarantined",
      actionEvent({
        action: "quarantined",
        reportOnly: true,
        reply: undefined,
        recipients: ["<a@b>", "<c@d>"],
      }),
      "2.5",
      "SPF quarantined (report only): ip=192.0.2.9, fqdn=[192.0.2.9], helo=spf.example.jp, " +
        'from=<mail@uso.example.jp>, reason="SPF fail", queue=4AM3IhAB012345, to=<a@b>, to=<c@d>',
    ],
    [
      "values are hostile",
      resultEvent({ helo: 'a, b\n"c"\\', from: "\xe9\0@x" }),
      "classic",
      'SPF pass: 192.0.2.1, spf.example.jp, a,\\x20b\\x0a\\"c\\"\\\\, \\xe9\\x00@x',
    ],
  ];
  for (const [what, event, format, line] of table) {
    it(`says it when ${what}`, () => {
      assert.deepEqual(eventLines(event, format), [line]);
    });
  }

  it("is one printable line of four values, whatever a client says", () => {
    fc.assert(
      fc.property(
        hostileEvent,
        fc.constantFrom<TextFormat>("classic", "2.5", "detailed"),
        (event, format) => {
          for (const line of eventLines(event, format)) {
            assert.match(line, /^[\x20-\x7e]{1,900}$/);
            const withoutQuoted = line.replace(/="(?:[^"\\]|\\.)*"/g, "");
            if (!line.endsWith("...")) assert.doesNotMatch(withoutQuoted.replace(/\\./g, ""), /"/);
            if (event.event === "result" && format === "classic") assert.equal(line.split(", ").length, 4);
          }
        },
      ),
      FUZZ,
    );
  });

  it("keeps the sender in sight when HELO and PTR are long", () => {
    const [line] = eventLines(resultEvent({ ptr: "p".repeat(5000), helo: "\x01".repeat(5000) }), "classic");
    assert.ok(line?.endsWith(", mikio@example.jp"), line);
  });
});

describe("eventLines with many recipients", () => {
  const recipients = Array.from({ length: 100 }, (_, index) => `<user${index}@example.jp>`);
  const beginning =
    "SPF quarantined: 192.0.2.9, [192.0.2.9], spf.example.jp, mail@uso.example.jp, " +
    'reason="SPF fail", queue=4AM3IhAB012345';

  it("are named however long a client's words and the reply are", () => {
    const long = "x".repeat(400);
    const recipients = [`<${"y".repeat(300)}@c.test>`, "<short@c.test>"];
    const event = actionEvent({ ptr: long, helo: long, from: long, reason: long, reply: long, recipients });
    const lines = eventLines(event, "detailed");
    for (const recipient of recipients) {
      assert.ok(
        lines.some((line) => line.includes(`to=${fieldValue(recipient)}`)),
        recipient,
      );
    }
    for (const line of lines) assert.ok(line.length <= 900, `${line.length}`);
  });

  it("names each once, in order, in lines that begin alike and stay within 900 octets", () => {
    const lines = eventLines(actionEvent({ action: "quarantined", reply: undefined, recipients }), "classic");
    assert.deepEqual(
      lines.map((line) => line.slice(0, line.indexOf(", to="))),
      lines.map(() => beginning),
    );
    assert.equal(lines.length, 4);
    assert.ok(lines.every((line) => line.length <= 900));
    assert.deepEqual(
      lines.flatMap((line) => [...line.matchAll(/, to=([^,]*)/g)].map(([, name]) => name)),
      recipients,
    );
  });
});

describe("levelOf", () => {
  const table: [string, FilterEvent, string][] = [
    ["a verdict", resultEvent(), "notice"],
    ["none", resultEvent({ result: "none" }), "info"],
    ["a cached verdict", resultEvent({ result: "fail", cached: true }), "info"],
    ["a refusal", actionEvent(), "notice"],
    ["a skipped message", actionEvent({ action: "skipped" }), "info"],
  ];
  for (const [what, event, level] of table) {
    it(`is ${level} when it is ${what}`, () => {
      assert.equal(levelOf(event), level);
    });
  }
});
