import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { textReport } from "../../../src/spfreport/text-report.ts";
import { reportOf } from "./pipeline.ts";

const WHO = "192.0.2.9, h.example, h.example, a@b.example";
const line = (text: string, time = "03:18:00", pid = 7): string =>
  `Nov 22 ${time} mx smf-spf[${pid}]: SPF ${text}`;
const fail = (time?: string): string => line(`fail: ${WHO}`, time);
const refused = (rest = "", time?: string): string => line(`refused: ${WHO}, reason="SPF fail"${rest}`, time);

interface Case {
  readonly name: string;
  readonly lines: readonly string[];
  readonly config?: string;
  readonly messages: number;
  readonly refused: readonly [done: number, reportOnly: number];
  readonly tagged?: readonly [done: number, reportOnly: number];
}

const CASES: readonly Case[] = [
  {
    name: "a result and its refusal are one message",
    lines: [fail(), refused()],
    messages: 1,
    refused: [1, 0],
  },
  {
    name: "two recipients refused are one message",
    lines: [fail(), refused(", to=<x@y>"), refused(", to=<z@y>")],
    messages: 1,
    refused: [1, 0],
  },
  {
    name: "two messages that look alike are two",
    lines: [fail(), refused(), fail(), refused()],
    messages: 2,
    refused: [2, 0],
  },
  {
    name: "the same recipient twice is two messages",
    lines: [fail(), refused(", to=<x@y>"), fail(), refused(", to=<x@y>")],
    messages: 2,
    refused: [2, 0],
  },
  {
    name: "messages at the same time are told apart by queue id",
    lines: [fail(), fail(), refused(", queue=A"), refused(", queue=B")],
    messages: 2,
    refused: [2, 0],
  },
  {
    name: "messages at the same time are told apart by recipient",
    lines: [fail(), fail(), refused(", to=<x@y>"), refused(", to=<z@y>")],
    messages: 2,
    refused: [2, 0],
  },
  {
    name: "several lines for the recipients of one queue id are one",
    lines: [
      fail(),
      line(`quarantined: ${WHO}, reason="SPF fail", queue=A, to=<x@y>`),
      line(`quarantined: ${WHO}, reason="SPF fail", queue=A, to=<z@y>`),
    ],
    messages: 1,
    refused: [0, 0],
  },
  {
    name: "done for one and reported for another recipient is done",
    lines: [
      fail(),
      line(`refused (report only): ${WHO}, reason="SPF fail", to=<x@y>`),
      refused(", to=<z@y>"),
    ],
    messages: 1,
    refused: [1, 0],
  },
  {
    name: "an action without its result counts",
    lines: [refused(", queue=A")],
    messages: 1,
    refused: [1, 0],
  },
  {
    name: "what comes much later is another message",
    lines: [fail(), refused("", "04:18:00")],
    messages: 2,
    refused: [1, 0],
  },
  {
    name: "a client that is skipped later is another message",
    lines: [line(`pass: ${WHO}`), line(`skipped: ${WHO}, reason="SkipAuth"`)],
    messages: 2,
    refused: [0, 0],
  },
  {
    name: "an exempt recipient belongs to the message",
    lines: [fail(), line(`skipped: ${WHO}, reason="WhitelistTo x@y", to=<x@y>`), refused(", to=<z@y>")],
    messages: 1,
    refused: [1, 0],
  },
  {
    name: "another process is another message",
    lines: [fail(), line(`refused: ${WHO}, reason="SPF fail"`, "03:18:00", 8)],
    messages: 2,
    refused: [1, 1],
  },
  {
    name: "HELO and sender of one message are one",
    lines: [
      line(
        "pass: ip=192.0.2.9, ptr=h, helo=h.example, from=a@b.example, identity=helo, mechanism=a, lookups=1, voids=0, ms=1",
      ),
      line(
        "fail: ip=192.0.2.9, ptr=h, helo=h.example, from=a@b.example, identity=mailfrom, mechanism=-all, lookups=1, voids=0, ms=1",
      ),
      line('refused: ip=192.0.2.9, ptr=h, helo=h.example, from=a@b.example, reason="SPF fail"'),
    ],
    messages: 1,
    refused: [1, 0],
  },
  {
    name: "with CheckHelo classic lines come in pairs",
    config: "CheckHelo on",
    lines: [line(`pass: ${WHO}`), line(`pass: ${WHO}`), line(`pass: ${WHO}`), fail(), refused()],
    messages: 2,
    refused: [1, 0],
  },
  {
    name: "syslogd's repetition counts",
    lines: [line(`pass (cached): ${WHO}`), "Nov 22 03:18:01 mx last message repeated 3 times"],
    messages: 4,
    refused: [0, 0],
  },
  {
    name: "rsyslog's repetition counts",
    lines: [
      line(`pass (cached): ${WHO}`),
      `Nov 22 03:18:01 mx smf-spf[7]: message repeated 2 times: [ SPF pass (cached): ${WHO}]`,
    ],
    messages: 3,
    refused: [0, 0],
  },
  {
    name: "a repetition of another program's line does not",
    lines: [
      line(`pass: ${WHO}`),
      "Nov 22 03:18:01 mx postfix/smtpd[1]: x",
      "Nov 22 03:18:01 mx last message repeated 3 times",
    ],
    messages: 1,
    refused: [0, 0],
  },
  {
    name: "what the C program would have let pass counts as would be refused",
    lines: [line("fail: 192.0.2.9, h, h, <a@b.example>"), line("softfail: 192.0.2.9, h, h, <a@b.example>")],
    messages: 2,
    refused: [0, 1],
  },
  {
    name: "a C program's mail that the settings exempt does not",
    config: "WhitelistIP 192.0.2.0/24",
    lines: [line("fail: 192.0.2.9, h, h, <a@b.example>")],
    messages: 1,
    refused: [0, 0],
  },
  {
    name: "smf-spf 3 tells its refusals: a fail without one is none",
    lines: [
      "Nov 22 03:18:00 mx smf-spf[7]: smf-spf 3.1.0 started: listening",
      line("fail: ip=192.0.2.9, fqdn=h, helo=h, from=<a@b.example>"),
    ],
    messages: 1,
    refused: [0, 0],
  },
  {
    name: "tagged and reported as tagged are kept apart",
    lines: [
      line("softfail: 192.0.2.9, h, h, a@b.example"),
      line('tagged (report only): 192.0.2.9, h, h, a@b.example, reason="SPF softfail", queue=A'),
      line("softfail: 192.0.2.9, h, h, a@b.example"),
      line('tagged: 192.0.2.9, h, h, a@b.example, reason="SPF softfail", queue=B'),
    ],
    messages: 2,
    refused: [0, 0],
    tagged: [1, 1],
  },
];

describe("the lines of one message are joined:", () => {
  for (const { name, lines, config = "", messages, refused: counts, tagged } of CASES) {
    it(name, () => {
      const report = reportOf(lines, { config });
      assert.equal(report.messages, messages);
      assert.deepEqual([report.actions.refused.done, report.actions.refused.reportOnly], counts);
      if (tagged !== undefined) {
        assert.deepEqual([report.actions.tagged.done, report.actions.tagged.reportOnly], tagged);
      }
      assert.equal(report.lines.unreadable, 0);
    });
  }

  it("many messages that look alike cost no more than as many others", () => {
    const lines = Array.from({ length: 5_000 }, () => line(`pass (cached): ${WHO}`));
    assert.equal(reportOf(lines).messages, 5_000);
  });
});

describe("--what-if", () => {
  const lines = [
    fail(),
    refused(),
    line("softfail: 192.0.2.8, h, h, a@b.example"),
    line('tagged: 192.0.2.8, h, h, a@b.example, reason="SPF softfail"'),
    line("none: 192.0.2.7, h, h, c@d.example"),
    line('skipped: 10.0.0.1, h, h, c@d.example, reason="WhitelistIP 10.0.0.0/8"'),
    line('refused: 192.0.2.6, h, h, broken, reason="sender syntax: the domain is missing"'),
  ];
  for (const [setting, refusals, added, removed] of [
    ["RefuseFail on", 2, 0, 0],
    ["RefuseFail off", 1, 0, 1],
    ["RefuseSoftFail on", 3, 1, 0],
    ["RefuseSPFNone on", 3, 1, 0],
    ["SPFBehavior 6", 4, 2, 0],
    ["SPFBehavior 0", 0, 0, 2],
    ["WhitelistIP 192.0.2.9", 1, 0, 1],
    ["WhitelistPTR h.example", 1, 0, 1],
    ["WhitelistFrom @b.example", 1, 0, 1],
    ["TrustedRelay 192.0.2.0/24", 0, 0, 2],
    ["PolicyFor from=@b.example RefuseFail=off", 1, 0, 1],
    ["ReportOnly on", 2, 0, 0],
  ] as const) {
    it(`${setting} makes 2 refusals ${refusals}`, () => {
      const { whatIf } = reportOf(lines, { whatIf: setting });
      assert.ok(whatIf !== undefined);
      assert.deepEqual(
        [whatIf.was, whatIf.refused, whatIf.added, whatIf.removed],
        [2, refusals, added, removed],
      );
    });
  }

  it("does not speak of rules that it does not show", () => {
    const text = textReport(reportOf(lines), { colour: false, unicode: false, problemsFirst: false });
    assert.match(
      text,
      /^Rules -+\nWhat stopped mail or let it pass\. smf-spf --status shows the rules that never/m,
    );
    assert.match(text, / 1 {2}WhitelistIP 10\.0\.0\.0\/8$/m);
  });

  it("says where all other settings come from", () => {
    const report = reportOf(lines, { whatIf: "RefuseSoftFail on" });
    const text = textReport(report, { colour: false, unicode: false, problemsFirst: false });
    assert.match(
      text,
      /What if .*\nThe same mail under these settings, and for the rest those of -c or the\sdefaults\./,
    );
  });
});
