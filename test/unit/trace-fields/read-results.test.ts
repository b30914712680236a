import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ResultsField } from "../../../src/trace-fields/index.ts";
import { FUZZ, hostileOctets } from "./samples.ts";

/** `id version | method/version=result name=value …`, or why not. */
function shown(value: string): string {
  const field = new ResultsField(value).read();
  if (field === undefined) return "unreadable";
  const results = field.results.map(({ method, methodVersion, result, properties }) =>
    [
      `${method}/${methodVersion}=${result}`,
      ...properties.map((property) => `${property.name}=${property.value}`),
    ].join(" "),
  );
  return [`${field.authservId} ${field.version}`, ...results].join(" | ");
}

const SIGNED = "mx.test 1 | dkim/1=pass header.d=b.test";

describe("ResultsField.read", () => {
  const written: readonly (readonly [writer: string, value: string, says: string])[] = [
    [
      "OpenDKIM 2.11 with a job id",
      'mx.test/4ABC1z;\n\tdkim=pass (2048-bit key; unprotected) header.d=b.test header.i=@b.test header.b="aB/+"',
      "mx.test/4ABC1z 1 | dkim/1=pass header.d=b.test header.i=@b.test header.b=aB/+",
    ],
    [
      "OpenDKIM 2.10 with a bare signature",
      'mx.test/4ABC1z; dkim=pass\n\treason="1024-bit key; insecure key"\n\theader.d=b.test header.b=aB/+=; dkim-adsp=pass',
      "mx.test/4ABC1z 1 | dkim/1=pass header.d=b.test header.b=aB/+= | dkim-adsp/1=pass",
    ],
    ["OpenDKIM with its id in quotes", '"mx.test/4ABC1z"; dkim=none', "mx.test/4ABC1z 1 | dkim/1=none"],
    [
      "OpenDKIM with a bad signature",
      'mx.test; dkim=fail reason="signature verification failed" (1024-bit key) header.d=b.test',
      "mx.test 1 | dkim/1=fail header.d=b.test",
    ],
    [
      "dkimpy-milter",
      "mx.test; dkim=pass (2048-bit key; secure) header.d=b.test header.i=@b.test header.a=rsa-sha256 header.s=s1",
      "mx.test 1 | dkim/1=pass header.d=b.test header.i=@b.test header.a=rsa-sha256 header.s=s1",
    ],
    [
      "rspamd",
      'mx.test;\n\tdkim=pass header.d=b.test header.s=s1 header.b="aB1+";\n\tspf=pass (mx.test: domain of a@b.test designates 192.0.2.1 as permitted sender) smtp.mailfrom=a@b.test;\n\tdmarc=pass (policy=none) header.from=b.test',
      "mx.test 1 | dkim/1=pass header.d=b.test header.s=s1 header.b=aB1+ | spf/1=pass smtp.mailfrom=a@b.test | dmarc/1=pass header.from=b.test",
    ],
    [
      "authentication_milter",
      "mx.test;\n  dkim=pass (2048-bit rsa key sha256) header.d=b.test header.i=@b.test x-bits=2048;\n  x-ptr=pass smtp.helo=c.test policy.ptr=c.test",
      "mx.test 1 | dkim/1=pass header.d=b.test header.i=@b.test x-bits=2048 | x-ptr/1=pass smtp.helo=c.test policy.ptr=c.test",
    ],
    [
      "Exchange",
      "mx.test; dkim=pass (signature was verified) header.d=b.test;dmarc=pass action=none header.from=b.test;compauth=pass reason=100",
      "mx.test 1 | dkim/1=pass header.d=b.test | dmarc/1=pass action=none header.from=b.test | compauth/1=pass",
    ],
    ["nobody in particular: none", "mx.test; none", "mx.test 1"],
    ["versions", "mx.test 2; dkim/3=pass header.d=b.test", "mx.test 2 | dkim/3=pass header.d=b.test"],
    [
      "comments everywhere",
      "(a) mx.test (b) 1 (c); (d) dkim (e) / (f) 1 (g) = (h) pass (i) header (j) . (k) d (l) = (m) b.test (n)",
      SIGNED,
    ],
    ["folds everywhere", "\n mx.test\n\t1\n ;\r\n dkim\n = pass\n header.d\n =\n b.test\n", SIGNED],
    ["capitals", "mx.test; DKIM=Pass Header.D=b.test", SIGNED],
    ["empty clauses", "mx.test;; dkim=pass header.d=b.test;;", SIGNED],
    ["a quoted value", 'mx.test; dkim=pass header.d="b.test"', SIGNED],
    [
      "a quoted local part",
      'mx.test; dkim=pass header.i="a b"@b.test',
      "mx.test 1 | dkim/1=pass header.i=a b@b.test",
    ],
    ["a U-label", "mx.b\xc3\xbccher.test; dkim=none", "mx.b\xc3\xbccher.test 1 | dkim/1=none"],
    ["one property twice", "mx.test; dkim=pass header.d=b.test header.d=c.test", `${SIGNED} header.d=c.test`],
    ["an empty quoted value", 'mx.test; dkim=pass header.d=""', "mx.test 1 | dkim/1=pass header.d="],
  ];
  for (const [writer, value, says] of written) {
    it(`reads what is written by ${writer}`, () => {
      assert.equal(shown(value), says);
    });
  }

  for (const value of [
    "",
    ";",
    "mx.test",
    "mx.test;",
    "mx.test; ;",
    "; dkim=pass",
    '""; dkim=pass',
    "dkim=pass header.d=b.test",
    "mx.test x; dkim=pass",
    "mx.test 1 1; dkim=pass",
    "mx . test; dkim=pass",
    "m(a)x.test; dkim=pass",
    'm"x".test; dkim=pass',
    "m\\x.test; dkim=pass",
    "mx@test; dkim=pass",
    "[192.0.2.1]; dkim=pass",
    "mx.test; dkim",
    "mx.test; dkim=",
    "mx.test; dkim=pass=",
    "mx.test; dkim=pass.x",
    "mx.test; =pass",
    "mx.test; dkim/=pass",
    "mx.test; dkim/x=pass",
    'mx.test; "dkim"=pass',
    'mx.test; dkim="pass"',
    "mx.test; none; dkim=pass",
    "mx.test; dkim=pass header.d",
    "mx.test; dkim=pass header.d=",
    "mx.test; dkim=pass header.=b.test",
    "mx.test; dkim=pass header.d=b.test\\; x=y",
    'mx.test; dkim=pass header.d="b.test"c',
    'mx.test; dkim=pass header.d=b."test"',
    'mx.test; dkim=pass header.d="b.test',
    "mx.test; dkim=pass (header.d=b.test",
    "mx.test; dkim=pass) header.d=b.test",
    "mx.test; dkim=pass\vheader.d=b.test",
    "mx.test; dkim=pass header.d=b.test\0",
    'mx.test; dkim=pass header.d="b\x01.test"',
    `mx.test; dkim=pass header.d=${"b".repeat(65_536)}`,
  ]) {
    it(`does not read ${JSON.stringify(value.slice(0, 60))}`, () => {
      assert.equal(shown(value), "unreadable");
    });
  }

  it("throws nothing, and agrees with what is found generously", () => {
    fc.assert(
      fc.property(hostileOctets, (rest) => {
        for (const value of [rest, `mx.test; dkim=pass ${rest}`, `mx.test/J1; ${rest}`]) {
          const field = new ResultsField(value);
          const read = field.read();
          if (read === undefined) continue;
          assert.ok(field.bears(read.authservId), JSON.stringify(value));
          const dkim = read.results.some(({ method }) => method === "dkim");
          assert.ok(!dkim || field.mayHold("dkim"), JSON.stringify(value));
        }
      }),
      FUZZ,
    );
  });
});

describe("ResultsField.jobIds", () => {
  const table: readonly (readonly [value: string, id: string, jobIds: readonly (string | undefined)[]])[] = [
    ["mx.test; dkim=pass", "mx.test", [undefined]],
    ["MX.test.; dkim=pass", "mx.test", [undefined]],
    ["mx.test/4aBC; dkim=pass", "MX.test", ["4aBC"]],
    ['"mx.test/4aBC"; dkim=pass', "mx.test", ["4aBC"]],
    ["mx.test/a/b; dkim=pass", "mx.test", ["a/b"]],
    ["mx.test/; dkim=pass", "mx.test", [""]],
    ["mx/7/a; dkim=pass", "mx/7", ["a"]],
    ["mx/7; dkim=pass", "mx", ["7"]],
    ["mx.test /a; dkim=pass", "mx.test", [undefined]],
    // Readers do not agree whether the id goes on.
    ["mx.test/a .b; dkim=pass", "mx.test", ["a", "a.b"]],
    ["mx.test (a)/b; dkim=pass", "mx.test", [undefined]],
    ["other.test/mx.test; dkim=pass", "mx.test", []],
    ["mx.test.other.test; dkim=pass", "mx.test", []],
    ["mx.test; dkim=pass", "", []],
    ["; dkim=pass", "mx.test", []],
  ];
  for (const [value, id, jobIds] of table) {
    it(`finds ${JSON.stringify(jobIds)} for ${JSON.stringify(id)} in ${value}`, () => {
      const field = new ResultsField(value);
      assert.deepEqual(field.jobIds(id), jobIds);
      assert.equal(field.bears(id), jobIds.length > 0);
    });
  }
});
