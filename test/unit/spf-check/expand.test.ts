import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type MacroString, parseMacroString } from "spf-check";
import { expandEnd, expandText, type MacroValues, reverseName } from "../../../src/spf-check/macros.ts";
import { addressOf } from "./support.ts";

// The example of RFC 7208 section 7.4.
const VALUES: MacroValues = {
  ip: addressOf("192.0.2.3"),
  domain: "email.example.com",
  localPart: "strong-bad",
  senderDomain: "email.example.com",
  helo: "mail.example.com",
  receiver: "mx.here.test",
  nowSeconds: 1_700_000_000,
  validatedName: "mx.example.org",
};
const V6: MacroValues = { ...VALUES, ip: addressOf("2001:db8::cb01") };

function macroString(text: string): MacroString {
  const parsed = parseMacroString(text, "own explanation");
  assert.ok("macroString" in parsed, text);
  return parsed.macroString;
}

describe("expandText", () => {
  const table: readonly [text: string, expanded: string, values?: Partial<MacroValues>][] = [
    ["", ""],
    ["%{s}", "strong-bad@email.example.com"],
    ["%{o}", "email.example.com"],
    ["%{d}", "email.example.com"],
    ["%{d4}", "email.example.com"],
    ["%{d3}", "email.example.com"],
    ["%{d2}", "example.com"],
    ["%{d1}", "com"],
    ["%{d001}", "com"],
    ["%{dr}", "com.example.email"],
    ["%{d2r}", "example.email"],
    ["%{l}", "strong-bad"],
    ["%{l-}", "strong.bad"],
    ["%{lr}", "strong-bad"],
    ["%{lr-}", "bad.strong"],
    ["%{l1r-}", "strong"],
    ["%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"],
    ["%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"],
    ["%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"],
    ["%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"],
    ["%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"],
    ["%{h} %{p} %{r} %{t}", "mail.example.com mx.example.org mx.here.test 1700000000"],
    ["%{c} %{i} %{v}", "192.0.2.3 192.0.2.3 in-addr"],
    [
      "%{c} %{i} %{v}",
      "2001:db8::cb01 2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.C.B.0.1 ip6",
      V6,
    ],
    ["%%%_%-", "% %20"],
    ["%{S}", "strong-bad%40email.example.com"],
    ["%{L}", "%00%FF%25~_.-aZ9%2F", { localPart: "\0\xff%~_.-aZ9/" }],
    ["%{L1r}", "a%2Fb", { localPart: "a/b.c" }],
    ["%{l.-+,/_=}", "a.b.c.d.e.f.g.h", { localPart: "a.b-c+d,e/f_g=h" }],
    ["%{l+}", "a.b.c", { localPart: "a.b+c" }],
    ["%{l}", "", { localPart: "" }],
    ["%{l1-}", "", { localPart: "x-" }],
    ["%{l1r-}", "", { localPart: "-x" }],
    ["%{l2-}", "x.", { localPart: "a-x-" }],
    ["%{lr.}", "..a", { localPart: "a.." }],
    ["%{r}", "unknown", { receiver: "" }],
    [
      "%{xr}|%{xs}|%{xe}",
      "mx.here.test|local policy|broken",
      { decidedBy: "local policy", problem: "broken" },
    ],
    ["%{xS}", "local%20policy", { decidedBy: "local policy" }],
    ["%{xs}%{xe}", ""],
  ];
  for (const [text, expanded, values] of table) {
    it(`makes ${JSON.stringify(text)} ${JSON.stringify(expanded)}`, () => {
      assert.equal(expandText(macroString(text), { ...VALUES, ...values }, 1000), expanded);
    });
  }

  it("stops once it is over the length", () => {
    const text = expandText(
      macroString("%{l}".repeat(10_000)),
      { ...VALUES, localPart: "x".repeat(300) },
      500,
    );
    assert.equal(text.length, 600);
  });
});

describe("expandEnd", () => {
  it("gives the end of what expandText gives", () => {
    const string = macroString(`${"%{l}-%{d2}.".repeat(20)}com`);
    const whole = expandText(string, VALUES, 100_000);
    const end = expandEnd(string, VALUES, 100);
    assert.ok(whole.endsWith(end) && end.length > 100 && end.length < 150);
  });

  it("gives all where that is not too long", () => {
    assert.equal(expandEnd(macroString("a.%{d}.b"), VALUES, 100), "a.email.example.com.b");
  });

  it("reads no more of a long value than comes out", () => {
    // Half a gigabyte of characters if every macro read its value.
    const localPart = `${"x.".repeat(16_000)}-`;
    const string = macroString("%{l1-}".repeat(16_000));
    assert.equal(expandEnd(string, { ...VALUES, localPart }, 254), "");
  });
});

describe("reverseName", () => {
  it("is the name whose PTR records are asked for", () => {
    assert.equal(reverseName(addressOf("192.0.2.3")), "3.2.0.192.in-addr.arpa");
    assert.equal(
      reverseName(addressOf("2001:db8::cb01")),
      "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
    );
  });
});
