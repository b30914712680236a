import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SpfResult } from "spf-check";
import {
  awaitsEvidence,
  holdsDkim,
  signatureBreaksOut,
  weighEvidence,
} from "../../../src/policy/dkim-evidence.ts";
import { type ActionSettings, judge, NO_FINDINGS } from "../../../src/policy/index.ts";
import { ResultsField } from "../../../src/trace-fields/index.ts";
import { outcome, settingsWith } from "./facts.ts";

const ACCEPT = { acceptDKIM: true } as const;
const LAX = { refuseFail: "off", refuseHeloFail: "off" } as const;

describe("awaitsEvidence", () => {
  const waits = (
    actions: Partial<ActionSettings>,
    result: SpfResult,
    changes: Parameters<typeof outcome>[1] = {},
    identity: "mailfrom" | "helo" = "mailfrom",
  ): boolean => {
    const settings = settingsWith({ ...ACCEPT, ...actions });
    const sender = { identity, sender: "u@sender.test", outcome: outcome(result, changes) };
    const findings = { ...NO_FINDINGS, sender };
    return awaitsEvidence(settings, findings, judge(settings, findings));
  };
  for (const [what, waiting, expected] of [
    ["a fail that is refused", waits({}, "fail"), true],
    ["a fail that is tagged", waits(LAX, "fail"), true],
    ["a fail that is neither", waits({ ...LAX, tagSubject: false }, "fail"), false],
    ["a fail that is quarantined", waits({ ...LAX, tagSubject: false, quarantine: true }, "fail"), true],
    ["a softfail that is tagged", waits({}, "softfail"), true],
    ["a softfail that is refused", waits({ refuseSoftFail: true }, "softfail"), true],
    ["a neutral that is refused", waits({ refuseNeutral: true }, "neutral"), true],
    ["a permerror that is refused", waits({ refusePermError: true }, "permerror"), true],
    ["a permerror that is let pass", waits({}, "permerror"), false],
    ["a none that is refused", waits({ refuseSPFNone: true }, "none"), false],
    ["a temperror that is refused", waits({ acceptTempError: false }, "temperror"), false],
    ["an overload", waits({}, "temperror", { failure: "overload" }), false],
    ["a pass", waits({}, "pass"), false],
    ["AcceptDKIM off", waits({ acceptDKIM: false }, "fail"), false],
    ["the null sender", waits({}, "fail", {}, "helo"), false],
    ["a domain that sends no mail", waits({}, "fail", { record: "v=spf1 -all" }), false],
    ["what SPFRules decided", waits({}, "pass", { local: { result: "fail", mechanism: "-all" } }), false],
    ["what SPFGuess decided", waits({}, "none", { guess: { result: "fail", mechanism: "-all" } }), false],
  ] as const) {
    it(`${expected ? "waits" : "does not wait"} for ${what}`, () => {
      assert.equal(waiting, expected);
    });
  }

  it("does not wait for a HELO fail", () => {
    const settings = settingsWith(ACCEPT);
    const helo = { identity: "helo", sender: "postmaster@h.test", outcome: outcome("fail") } as const;
    const findings = { ...NO_FINDINGS, helo };
    assert.equal(awaitsEvidence(settings, findings, judge(settings, findings)), false);
  });
});

const GOOD = "mx.rig.test/Q1; dkim=pass header.d=sender.test";

/** What the fields come to; a field that begins with `|` is below a Received field. */
function weighed(
  fields: readonly string[],
  {
    jobId = true,
    queueKnown = true,
    sender = "sender.test",
    ids = ["mx.rig.test"],
    mayBeForged = false,
  } = {},
): string {
  const seen = fields.flatMap((text) => {
    const field = new ResultsField(text.replace(/^\|/, ""));
    if (!ids.some((id) => field.bears(id))) return [];
    const read = field.read();
    return read !== undefined && !holdsDkim(read) ? [] : [{ read, onTop: !text.startsWith("|") }];
  });
  const evidence = weighEvidence(
    { dkimVerifierJobID: jobId },
    ids,
    seen,
    queueKnown ? "Q1" : undefined,
    sender,
    mayBeForged,
  );
  return evidence.kind === "nothing" ? evidence.why : `${evidence.kind} ${evidence.domain}`;
}

const FIELDS: readonly [what: string, fields: readonly string[], weighed: string][] = [
  ["a pass of this message", [GOOD], "pass sender.test"],
  ["no field", [], "none"],
  // Rule 1: one field.
  [
    "a forged field beside the genuine one",
    [GOOD, "|mx.rig.test/Q9; dkim=pass header.d=sender.test"],
    "ambiguous",
  ],
  ["a forged field above it", ["mx.rig.test; dkim=pass header.d=sender.test", GOOD], "ambiguous"],
  ["guesses of the queue id", [GOOD, "mx.rig.test/Q2; dkim=pass header.d=a.test"], "ambiguous"],
  ["a broken field beside it", [GOOD, 'mx.rig.test/Q1; dkim="'], "ambiguous"],
  ["a broken field alone", ['mx.rig.test/Q1; dkim=pass header.d="sender.test'], "unparsable"],
  ["a thousand fields", Array<string>(1000).fill(GOOD), "ambiguous"],
  ["a field of 64 KB and more", [`${GOOD} header.b=${"x".repeat(70_000)}`], "unparsable"],
  [
    "a field of another id beside it",
    [GOOD, "mx.other.test; dkim=fail header.d=sender.test"],
    "pass sender.test",
  ],
  [
    "our own SPF result beside it",
    [GOOD, "mx.rig.test; spf=fail smtp.mailfrom=sender.test"],
    "pass sender.test",
  ],
  ["a field of another id alone", ["mx.other.test/Q1; dkim=pass header.d=sender.test"], "none"],
  // Rule 2: the job id.
  ["no job id", ["mx.rig.test; dkim=pass header.d=sender.test"], "jobid"],
  ["the job id of a former message", ["mx.rig.test/Q0; dkim=pass header.d=sender.test"], "jobid"],
  ["a job id in other case", ["mx.rig.test/q1; dkim=pass header.d=sender.test"], "jobid"],
  ["a job id and more", ["mx.rig.test/Q1/x; dkim=pass header.d=sender.test"], "jobid"],
  ["a quoted id", ['"mx.rig.test/Q1"; dkim=pass header.d=sender.test'], "pass sender.test"],
  ["an id in other case", ["MX.Rig.test/Q1; dkim=pass header.d=Sender.TEST"], "pass sender.test"],
  // Rule 3: the position.
  ["a field below a Received field", [`|${GOOD}`], "position"],
  // Rule 4: the domain.
  ["a key of a domain below", ["mx.rig.test/Q1; dkim=pass header.d=test.sender.test"], "unaligned"],
  ["a key of a sibling", ["mx.rig.test/Q1; dkim=pass header.d=other.test"], "unaligned"],
  ["a key that only ends like it", ["mx.rig.test/Q1; dkim=pass header.d=ender.test"], "unaligned"],
  ["a top-level domain", ["mx.rig.test/Q1; dkim=pass header.d=test"], "unaligned"],
  ["a key of a child", ["mx.rig.test/Q1; dkim=pass header.d=mail.sender.test"], "unaligned"],
  ["header.i alone", ["mx.rig.test/Q1; dkim=pass header.i=@sender.test"], "pass sender.test"],
  [
    "header.i of another beside header.d",
    ["mx.rig.test/Q1; dkim=pass header.d=other.test header.i=@sender.test"],
    "unaligned",
  ],
  ["two header.d", ["mx.rig.test/Q1; dkim=pass header.d=sender.test header.d=other.test"], "unaligned"],
  [
    "two results, one of them good",
    ["mx.rig.test/Q1; dkim=fail header.d=sender.test; dkim=pass header.d=sender.test"],
    "pass sender.test",
  ],
  [
    "a pass of another beside a fail",
    ["mx.rig.test/Q1; dkim=pass header.d=other.test; dkim=fail header.d=sender.test"],
    "unaligned",
  ],
  ["a fail", ["mx.rig.test/Q1; dkim=fail header.d=sender.test"], "fail"],
  ["no signature", ["mx.rig.test/Q1; dkim=none"], "fail"],
  ["a temperror", ["mx.rig.test/Q1; dkim=temperror header.d=sender.test"], "temperror sender.test"],
  ["a temperror of another", ["mx.rig.test/Q1; dkim=temperror header.d=other.test"], "fail"],
  [
    "a temperror and a pass",
    ["mx.rig.test/Q1; dkim=temperror header.d=sender.test; dkim=pass header.d=sender.test"],
    "pass sender.test",
  ],
  ["a field of version 2", ["mx.rig.test/Q1 2; dkim=pass header.d=sender.test"], "unparsable"],
  ["a method of version 2", ["mx.rig.test/Q1; dkim/2=pass header.d=sender.test"], "fail"],
  ["dkim-adsp", ["mx.rig.test/Q1; dkim-adsp=pass header.from=sender.test"], "none"],
  [
    "OpenDKIM's own spelling",
    [
      "mx.rig.test/Q1;\n\tdkim=pass (2048-bit key; unprotected) header.d=sender.test header.i=@sender.test header.a=rsa-sha256 header.s=s header.b=abcdefgh;\n\tdkim-atps=neutral",
    ],
    "pass sender.test",
  ],
  [
    "authentication_milter's own spelling",
    [
      "mx.rig.test/Q1; dkim=pass (2048-bit rsa key sha256) header.d=sender.test header.i=@sender.test header.b=abc header.a=rsa-sha256 header.s=s x-bits=2048",
    ],
    "pass sender.test",
  ],
];

describe("weighEvidence", () => {
  for (const [what, fields, expected] of FIELDS) {
    it(`says ${expected} of ${what}`, () => {
      assert.equal(weighed(fields), expected);
    });
  }

  it("covers what is below the domain that has signed, in A-labels and U-labels", () => {
    assert.equal(weighed([GOOD], { sender: "a.b.sender.test" }), "pass sender.test");
    const idn = "mx.rig.test/Q1; dkim=pass header.d=xn--bcher-kva.test";
    assert.equal(weighed([idn], { sender: "b\xc3\xbccher.test" }), "pass xn--bcher-kva.test");
  });

  it("asks for no job id of a verifier that writes none", () => {
    const bare = ["mx.rig.test; dkim=pass header.d=sender.test"];
    assert.equal(weighed(bare, { jobId: false }), "pass sender.test");
    assert.equal(weighed([GOOD], { jobId: false }), "pass sender.test");
    assert.equal(weighed([bare[0] ?? "", GOOD], { jobId: false }), "ambiguous");
    assert.equal(weighed([`|${bare[0]}`], { jobId: false }), "position");
  });

  it("believes nothing where the MTA gives no queue id", () => {
    assert.equal(weighed([GOOD], { queueKnown: false }), "jobid");
  });

  it("takes several names of verifiers, and one field of them all", () => {
    const ids = ["dkim.rig.test", "mx.rig.test"];
    assert.equal(weighed([GOOD], { ids }), "pass sender.test");
    assert.equal(weighed([GOOD, "dkim.rig.test/Q1; dkim=pass header.d=sender.test"], { ids }), "ambiguous");
  });
});

describe("signatureBreaksOut", () => {
  const cases: readonly (readonly [value: string, breaksOut: boolean])[] = [
    [
      "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org;\r\n\ts=2026._x; h=from:to; bh=a+/=; b=c+/d\r\n\te=",
      false,
    ],
    ["d=example.org; i=@example.org; s=s; b=x", false],
    ["d=example.org; i = \r\n bounces+a=3Db/c=40x@example.org ; b=x", false],
    ["i=gr=C3=BCn@example.org; d=gr\xc3\xbcn.example; b=x", false],
    ["i=\xe0@example.org; b=x", false],
    ["d=example.org; z=Subject:a=3Bdkim=3Dpass=20b; x=1; b=x", false],
    ["", false],
    ["dkim=pass header.d=victim.example", false],
    ["i=x=3Bdkim=3Dpass=20header.d=3Dvictim.example=20z=3D@example.org; d=example.org", true],
    ["i=x=3bz@example.org", true],
    ["i=x=20z@example.org", true],
    ["i=x=0D=0A=09z@example.org", true],
    ["i=x z@example.org", true],
    ["i=x\r\n\tz@example.org", true],
    ["i=x=00z@example.org", true],
    ["i=x=28z@example.org", true],
    ["i=x(z@example.org", true],
    ["i=x=22z@example.org", true],
    ["i=x=5Cz@example.org", true],
    ["I=x=3Bz@example.org", true],
    ["\r\n i\t= x=3Bz@example.org", true],
    ["i=@example.org; i=x=3Bz@example.org", true],
    ["d=victim.example header.x=.example.org; s=s", true],
    ["s=a header.d=victim.example", true],
    ["a=rsa-sha256 header.d=victim.example", true],
    ["b=abcd header.d=victim.example", true],
  ];
  for (const [value, expected] of cases) {
    it(`${expected ? "finds" : "finds nothing in"} ${JSON.stringify(value)}`, () => {
      assert.equal(signatureBreaksOut(value), expected);
    });
  }

  it("makes a pass worth nothing, and no field stays none", () => {
    assert.equal(weighed([GOOD], { mayBeForged: true }), "ambiguous");
    assert.equal(weighed([], { mayBeForged: true }), "none");
  });
});
