import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Edit, type HandlerAnswer, LATER, type Response } from "milter-protocol";
import { net, outcome, pattern } from "../policy/facts.ts";
import { endOf, Rig } from "./rig.ts";

const octet = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "<",
      ">",
      "@",
      '"',
      "\\",
      "(",
      ")",
      ";",
      "%",
      "\r",
      "\n",
      "\0",
      "\xc3",
      "\xa9",
      ".",
      ":",
      "a",
      "=",
    ),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) },
);
const octets = fc.string({ unit: octet, maxLength: 90 });
const address = fc.tuple(octets, octets).map(([local, domain]) => `${local}@${domain}`);
const path = fc.oneof(
  octets,
  address.map((text) => `<${text}>`),
  octets.map((local) => `<"${local.replace(/["\\]/g, "\\$&")}"@sender.test>`),
  fc.constant("<>"),
);
const words = fc.record({ text: octets, source: fc.constantFrom("domain", "default") });

const mail = fc.record({
  hostname: octets,
  helo: octets,
  path,
  recipients: fc.array(path, { maxLength: 3 }),
  headers: fc.array(
    fc.tuple(
      fc.constantFrom("Subject", "Authentication-Results", "Received", "X-SPF-Guess", "X-Other"),
      octets,
    ),
    { maxLength: 5 },
  ),
  result: fc.constantFrom("none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"),
  mechanism: octets,
  problem: octets,
  explanation: fc.option(words, { nil: undefined }),
  local: fc.option(fc.record({ result: fc.constantFrom("pass", "fail", "softfail"), mechanism: octets }), {
    nil: undefined,
  }),
  guess: fc.option(fc.record({ result: fc.constantFrom("pass", "fail"), mechanism: octets }), {
    nil: undefined,
  }),
  reject: fc.boolean(),
  quarantine: fc.boolean(),
  checkHelo: fc.boolean(),
  whitelistTo: fc.boolean(),
  relay: fc.boolean(),
  rejectReason: fc.option(octets, { nil: undefined }),
  smtputf8: fc.boolean(),
});

type HostileMail = typeof mail extends fc.Arbitrary<infer Value> ? Value : never;

function play(hostile: HostileMail): { responses: Response[]; edits: readonly Edit[] } {
  const { reject, quarantine, checkHelo, rejectReason, mechanism, problem, explanation, local, guess } =
    hostile;
  const rig = new Rig({
    settings: {
      refuseFail: reject ? "on" : "off",
      refuseSoftFail: reject,
      refuseNeutral: reject,
      refuseSPFNone: reject,
      refuseSPFNoneHelo: reject,
      refusePermError: reject,
      acceptTempError: !reject,
      quarantine,
      checkHelo,
      rejectReason,
      relaxedLocalPart: true,
      whitelistTo: hostile.whitelistTo ? [pattern("a@"), pattern("sender")] : [],
      trustedRelay: hostile.relay ? [net("192.0.2.9")] : [],
    },
  });
  const told = outcome(hostile.result, {
    mechanism,
    problem,
    explanation,
    local,
    guess,
    domain: hostile.helo,
  });
  rig.ports.evaluator.evaluate = () => ({ outcome: told, cached: false, elapsedMs: 1 });
  const answers: HandlerAnswer[] = [
    rig.connect("192.0.2.9", hostile.hostname),
    rig.helo(hostile.helo),
    rig.mail(hostile.path, {}, ...(hostile.smtputf8 ? ["SMTPUTF8"] : [])),
    ...hostile.recipients.map((recipient) => rig.rcpt(recipient)),
    ...hostile.headers.map(([name, value]) => rig.header(name, value)),
  ];
  const { edits, response } = endOf(rig.eom());
  const responses = [...answers, response].filter((answer) => answer !== LATER);
  return { responses, edits };
}

describe("createFilter with hostile values", () => {
  it("speaks printable replies and writes fields that stay fields", () => {
    fc.assert(
      fc.property(mail, (hostile) => {
        const { responses, edits } = play(hostile);
        for (const response of responses) isSafeResponse(response);
        for (const edit of edits) isSafeEdit(edit, hostile.smtputf8);
      }),
      { seed: 20319, numRuns: 1500 },
    );
  });
});

function isSafeResponse(response: Response): void {
  if (response.kind !== "reply") return;
  assert.equal(response.enhanced[0], response.code[0]);
  assert.ok(response.lines.length > 0 && response.lines.length <= 32);
  for (const text of response.lines) {
    assert.match(text, /^[\x20-\x7e]+$/);
    assert.ok(text.length + 13 < 512);
  }
}

function isSafeEdit(edit: Edit, smtputf8: boolean): void {
  switch (edit.kind) {
    case "insertHeader":
      // A fold is LF and a space with words after it; nothing else may end a line.
      assert.match(
        edit.value,
        smtputf8 ? /^(?:[\x20-\x7e\x80-\xff]|\n [^\s])*$/ : /^(?:[\x20-\x7e]|\n [^\s])*$/,
      );
      for (const text of `${edit.name}: ${edit.value}`.split("\n")) assert.ok(text.length <= 998);
      break;
    case "addHeader":
      if (edit.name !== "Subject") assert.doesNotMatch(edit.value, /[\r\n\0]/);
      break;
    case "changeHeader":
      if (edit.name !== "Subject") assert.equal(edit.value, "");
      break;
    case "addRecipient":
      assert.equal(edit.path, "<postmaster>");
      break;
    default:
      break;
  }
}
