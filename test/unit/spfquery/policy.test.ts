import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseConfig } from "../../../src/config/index.ts";
import { parseArguments } from "../../../src/spfquery/arguments.ts";
import { answerPolicy, policyLines } from "../../../src/spfquery/policy.ts";
import { fieldsOf } from "../../../src/spfquery/values.ts";
import { outcome } from "../policy/facts.ts";

const RECEIVED =
  "from fwd.example (fwd.example [203.0.113.9])\n\tby relay.example (Postfix) with ESMTP id 1;\n\tSun, 29 Nov 2026";

const table: readonly {
  readonly what: string;
  readonly config: string;
  readonly argv: readonly string[];
  readonly message?: string;
  readonly stage: "MAIL" | "RCPT" | "end of message" | undefined;
  readonly lines: readonly RegExp[];
}[] = [
  {
    what: "a default that refuses",
    config: "",
    argv: ["192.0.2.9", "h.example", "a@fail.example"],
    stage: "MAIL",
    lines: [/^refused: SPF fail, RefuseFail \(default\)$/, /^refused at MAIL:$/, /^ {2}550 5\.7\.23 /],
  },
  {
    what: "a line that refuses",
    config: "# c\nRefuseFail on",
    argv: ["192.0.2.9", "h.example", "a@fail.example"],
    stage: "MAIL",
    lines: [/RefuseFail \(t\.conf:2\)/],
  },
  {
    what: "a network that is not checked",
    config: "WhitelistIP 192.0.2.0/24",
    argv: ["192.0.2.9", "h.example", "a@fail.example"],
    stage: undefined,
    lines: [/^skipped: WhitelistIP 192\.0\.2\.0\/24 \(t\.conf:1\)$/, /^the message is delivered$/],
  },
  {
    what: "a name that the MTA has verified",
    config: "WhitelistPTR friend.example",
    argv: ["--ptr", "mx.friend.example", "192.0.2.9", "h.example", "a@fail.example"],
    stage: undefined,
    lines: [/^skipped: WhitelistPTR .*\(t\.conf:1\)$/],
  },
  {
    what: "a user who has logged in",
    config: "",
    argv: ["--auth", "joe", "192.0.2.9", "h.example", "a@fail.example"],
    stage: undefined,
    lines: [/^skipped: .*SkipAuth/],
  },
  {
    what: "a recipient who is exempt",
    config: "WhitelistTo abuse@here.example",
    argv: ["--rcpt", "abuse@here.example", "192.0.2.9", "h.example", "a@fail.example"],
    stage: undefined,
    lines: [/^the message is delivered$/],
  },
  {
    what: "one of two recipients who is not",
    config: "WhitelistTo abuse@here.example",
    argv: ["--rcpt", "you@here.example", "192.0.2.9", "h.example", "a@fail.example"],
    stage: "RCPT",
    lines: [/^refused at RCPT:$/],
  },
  {
    what: "ReportOnly",
    config: "ReportOnly on",
    argv: ["192.0.2.9", "h.example", "a@fail.example"],
    stage: undefined,
    lines: [/^would be refused: SPF fail/],
  },
  {
    what: "the client behind a relay, from a stored message",
    config: "TrustedRelay 192.0.2.9",
    argv: ["192.0.2.9", "h.example", "a@fail.example"],
    message: `Received: ${RECEIVED}\nSubject: x\n\nbody\n`,
    stage: "end of message",
    lines: [/^refused at end of message:$/],
  },
];

describe("answerPolicy()", () => {
  for (const { what, config, argv, message = "", stage, lines } of table) {
    it(`tells ${what}`, async () => {
      const request = parseArguments(["--policy", ...argv], "mx.here.example");
      assert.ok(request.action === "check" && request.policy !== undefined);
      const { settings, faults } = parseConfig(config, {
        file: "t.conf",
        env: {},
        readList: () => ({ problem: "none" }),
      });
      assert.deepEqual(faults, []);
      const answer = await answerPolicy(
        { ...request.policy, query: request.query, fields: fieldsOf(message) },
        {
          settings: settings!,
          hostname: "mx.here.example",
          nowMs: () => 0,
          nowSeconds: 0,
          evaluate: ({ domain }) =>
            Promise.resolve(outcome(domain === "fail.example" ? "fail" : "none", { domain })),
        },
      );
      assert.equal(answer.stage, stage);
      const text = policyLines(answer, 78);
      for (const line of lines)
        assert.ok(
          text.some((one) => line.test(one)),
          text.join("\n"),
        );
      assert.equal(answer.reply.length > 0, stage !== undefined);
    });
  }
});
