import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryPlayer } from "./memory-player.ts";
import { differences } from "./observation.ts";
import { readScenario, type Scenario } from "./scenario.ts";

const GOOD = `# A softfail is tagged.
[zone]
soft.test TXT v=spf1 ~all
[session]
connect 192.0.2.66
EHLO mail.soft.test
MAIL FROM:<user@soft.test>
< 250
RCPT TO:<bob@rig.test>
DATA
| Subject: hello
|
| body
[delivered bob]
Authentication-Results: mx.rig.test; spf=softfail smtp.mailfrom=user@soft.test
...
Subject: [SPF:fail] hello
| body
[log]
notice SPF softfail: ...
notice SPF tagged: ...
`;

function read(text: string, mta: "sendmail" | "postfix" = "sendmail"): Scenario {
  const scenario = readScenario(text, "x.scenario", mta);
  assert.ok(scenario);
  return scenario;
}

describe("differences", () => {
  const player = memoryPlayer("sendmail");

  it("finds none where all is as expected", async () => {
    const scenario = read(GOOD);
    assert.deepEqual(differences(scenario, await player.play(scenario)), []);
  });

  const WRONG: readonly (readonly [what: string, from: string, to: string, found: RegExp])[] = [
    ["another code", "< 250", "< 550", /line 7, MAIL FROM:<user@soft\.test>: expected 550, got 250/],
    ["a reply where none may be", "< 250", "< closed", /expected closed, got 250/],
    [
      "a refusal that nobody expects",
      "rig.test>",
      "elsewhere.test>",
      /expected a reply that refuses nothing/,
    ],
    ["another field", "spf=softfail", "spf=fail", /mailbox bob: expected the fields/],
    ["a field too many", "...\nSubject", "Subject", /mailbox bob: expected the fields/],
    ["a field that is missing", "[SPF:fail] hello", "[SPF:fail] hello\nX-More: yes", /expected the fields/],
    ["another body", "| body\n[log]", "| other\n[log]", /expected the body/],
    [
      "a message in another mailbox",
      "delivered bob",
      "delivered carol",
      /mailbox carol: expected 1 messages, got 0/,
    ],
    [
      "mail that nobody expects",
      "delivered bob",
      "delivered carol",
      /mailbox bob: expected 0 messages, got 1/,
    ],
    ["a message that is not held", "[log]", "[held bob]\n[log]", /expected 1 messages held, got 0/],
    ["another line in the log", "notice SPF tagged", "notice SPF refused", /expected the log/],
    ["another priority", "notice SPF tagged", "info SPF tagged", /expected the log/],
    ["a line too many in the log", "notice SPF tagged: ...\n", "", /expected the log/],
  ];
  for (const [what, from, to, found] of WRONG) {
    it(`tells ${what}`, async () => {
      assert.ok(GOOD.includes(from));
      const scenario = read(GOOD.replace(from, to));
      assert.match(differences(scenario, await player.play(scenario)).join("\n"), found);
    });
  }
});

describe("readScenario", () => {
  it("keeps the lines of one MTA and repeats lines", () => {
    const text = "# t\n[session]\nconnect 192.0.2.9\n@sendmail NOOP s\n@postfix NOOP p\nrepeat 2 NOOP {n}\n";
    const commands = (mta: "sendmail" | "postfix"): string[] =>
      read(text, mta).steps.flatMap(({ action }) => (action.kind === "command" ? [action.text] : []));
    assert.deepEqual(commands("sendmail"), ["NOOP s", "NOOP 1", "NOOP 2"]);
    assert.deepEqual(commands("postfix"), ["NOOP p", "NOOP 1", "NOOP 2"]);
  });

  it("leaves out what is for the other MTA only", () => {
    const text = "# t\n[only postfix]\nwhy\n[session]\nconnect 192.0.2.9\n";
    assert.equal(readScenario(text, "x", "sendmail"), undefined);
    assert.ok(readScenario(text, "x", "postfix"));
  });

  it("writes out octets, ranges of mailboxes and reverse names", () => {
    const text = `# t\n[zone]\n192.0.2.9 PTR a.test\n2001:db8::1 ttl=5 PTR b.test\n[session]
connect 192.0.2.9\nNOOP \\x0d\\xff\n[delivered u{1..3}]\n...\n`;
    const scenario = read(text);
    assert.deepEqual(scenario.steps[1]?.action, { kind: "command", text: "NOOP \r\xff" });
    assert.deepEqual(scenario.delivered[0]?.boxes, ["u1", "u2", "u3"]);
    assert.deepEqual(Object.keys(scenario.zone), [
      "9.2.0.192.in-addr.arpa",
      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
    ]);
    assert.equal(scenario.remembers, true);
  });

  it("reads what is pipelined, unfinished and missing", () => {
    const text = `# t\n[missing j {verify}]\n[session]\nconnect 192.0.2.9\nMAIL FROM:<>\n+ RCPT TO:<a@rig.test>
+ DATA\n| a: b\n+ MAIL FROM:<b@b.test>\nDATA unfinished\n| c: d\n`;
    const scenario = read(text);
    assert.deepEqual([...scenario.missing], ["j", "{verify}"]);
    assert.deepEqual(
      scenario.steps.map(({ action, pipelined }) => [action.kind, pipelined]),
      [
        ["connect", false],
        ["command", false],
        ["command", true],
        ["data", true],
        ["command", true],
        ["unfinished", false],
      ],
    );
    assert.deepEqual(scenario.steps[5]?.action, { kind: "unfinished", lines: ["c: d"] });
  });

  const FAULTY: readonly (readonly [text: string, fault: RegExp])[] = [
    ["[session]\n", /x:1: a scenario begins with a comment/],
    ["# t\nEHLO a\n", /x:2: a line before the first section/],
    ["# t\n", /x:1: there is no \[session\]/],
    ["# t\n[sesion]\n", /x:2: there is no section \[sesion\]/],
    ["# t\n[session]\n[session]\n", /x:3: a second \[session\]/],
    ["# t\n[session]\nconnect 192.0.2\n", /x:3: 192\.0\.2 is no address/],
    ["# t\n[session]\nehlo a\n", /x:3: ehlo a is no command/],
    ["# t\n[session]\n< 250\n", /x:3: a reply before the first command/],
    ["# t\n[session]\nNOOP\n| a\n", /x:4: a line of a message without DATA/],
    ["# t\n[session]\nNOOP\n< fine\n", /x:4: a reply is/],
    ["# t\n[session]\n+ NOOP\n", /x:3: NOOP cannot be sent together/],
    ["# t\n[session]\nNOOP\n+ QUIT\n", /x:4: QUIT cannot be sent together/],
    ["# t\n[missing]\n[session]\n", /x:2: \[missing\] names/],
    ["# t\n[session]\n@exim NOOP\n", /x:3: @exim is neither/],
    ["# t\n[only postfix]\n[session]\n", /x:2: \[only\] says why/],
    ["# t\n[only exim]\nwhy\n[session]\n", /x:2: \[only\] names/],
    ["# t\n[zone]\na.test A 192.0.2\n[session]\n", /x:3: no A record: 192\.0\.2/],
    ["# t\n[zone]\na.test\n[session]\n", /x:3: a record is/],
    ["# t\n[delivered]\n[session]\n", /x:2: \[delivered\] names the mailboxes/],
    ["# t\n[environment]\nA b\n[session]\n", /x:3: an environment variable is/],
    ['# t\n[session]\n[log]\n{"not json\n', /x:4: no JSON/],
  ];
  for (const [text, fault] of FAULTY) {
    it(`throws where ${fault.source.slice(4)}`, () => {
      assert.throws(() => readScenario(text, "x", "sendmail"), fault);
    });
  }
});
